//! The hash of a program, over all that its run does and all that it depends on. Two programs with the same hash do the same. What only a
//! survey sees is compared on its own (`changed_parts`), because a survey may be late.

use super::{CANARY, Goal, Phase, Program, SCHEMA, StepSpec, WORKERS, survey_part};
use crate::steps::StepKind;
use podlift_model::{Digest, NodeName};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn hash_of<T: Serialize>(value: &T) -> Digest {
    Digest::of(serde_json::to_vec(value).unwrap_or_default())
}

pub(super) fn of_program(program: &Program) -> Digest {
    let firm = program.fingerprints.iter().filter(|(name, _)| !survey_part::is_one(name));
    of(program, &firm.collect())
}

/// Whether the program's hash fits its content. Programs of older versions hashed the fingerprints of surveys too.
pub(super) fn fits(program: &Program) -> Result<(), Digest> {
    let is = of_program(program);
    let older = || of(program, &program.fingerprints.iter().collect());
    if is == program.hash || older() == program.hash { Ok(()) } else { Err(is) }
}

/// A part that was added later is hashed only if it is present.
fn of(program: &Program, fingerprints: &BTreeMap<&String, &Digest>) -> Digest {
    let (mends, shared) = (&program.mends, program.goal.shared());
    let skip: &[String] = program.goal.upgrade().map(|u| u.skip_phases.as_slice()).unwrap_or_default();
    let also = (&shared.packages, &mends.repairs, skip, &mends.patches);
    let phases = &*firm(&program.phases);
    let whole = match &program.options.batches {
        None => hash_of(&(SCHEMA, (phases, also.0, also.1, also.2, also.3), fingerprints)),
        Some(_) => hash_of(&(SCHEMA, without_order(phases), also, fingerprints)),
    };
    let whole = match mends.meant.is_empty() && shared.ignore.is_empty() {
        true => whole,
        false => hash_of(&(whole, &mends.meant, &shared.ignore)),
    };
    match &program.goal {
        Goal::Upgrade(_) => whole,
        Goal::Repair(repair) if repair.issues.is_empty() => hash_of(&("repair", repair.version, whole)),
        Goal::Repair(repair) => hash_of(&("repair", repair.version, whole, &repair.issues)),
    }
}

/// The phases without the repairs of issues. Those are for what a survey saw of the site's services, and do nothing where all is well, so a
/// program does not rest on them.
fn firm(phases: &[Phase]) -> Cow<'_, [Phase]> {
    let mends = |step: &StepSpec| step.kind.step().mend().is_some() || step.kind.step().follows_mend();
    let all = || phases.iter().flat_map(|phase| &phase.lanes).flat_map(|lane| &lane.steps);
    if !all().any(mends) {
        return Cow::Borrowed(phases);
    }
    let (mut out, mut number) = (phases.to_vec(), 0);
    for lane in out.iter_mut().flat_map(|phase| &mut phase.lanes) {
        lane.steps.retain(|step| !mends(step));
        for step in &mut lane.steps {
            number += 1;
            step.number = number;
        }
    }
    Cow::Owned(out)
}

/// What a phase does: its name, how many lanes at once, and the lanes by node.
type Does<'a> = (&'a str, u32, Vec<(Option<&'a NodeName>, Vec<&'a StepKind>)>);

/// The phases of a program whose workers are chosen in batches. Jobs decide the order of the workers, and which of them are the first; both
/// change all the time, and the run chooses anew, so the program does not rest on them.
fn without_order(phases: &[Phase]) -> Vec<Does<'_>> {
    let mut out: Vec<Does> = vec![];
    for phase in phases {
        let first = out.last().is_some_and(|(name, _, _)| *name == CANARY) && phase.name == WORKERS;
        if !first {
            out.push((&phase.name, phase.parallel, vec![]));
        }
        if let Some((_, _, lanes)) = out.last_mut() {
            let does = phase.lanes.iter();
            lanes.extend(
                does.map(|lane| (lane.node.as_ref(), lane.steps.iter().map(|step| &step.kind).collect())),
            );
            lanes.sort_by_key(|(node, _)| *node);
        }
    }
    out
}

/// Names of the parts in which two programs' facts differ.
pub fn differences(before: &Program, now: &Program) -> Vec<String> {
    changed_parts(&before.fingerprints, &now.fingerprints)
}

/// The same for the fingerprints alone. A part of a survey counts if both have it.
pub fn changed_parts(a: &BTreeMap<String, Digest>, b: &BTreeMap<String, Digest>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let late = |name: &str| survey_part::is_one(name) && !(a.contains_key(name) && b.contains_key(name));
    names.into_iter().filter(|n| a.get(*n) != b.get(*n) && !late(n)).cloned().collect()
}
