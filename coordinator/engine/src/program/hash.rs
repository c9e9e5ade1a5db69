//! The hash of a program, over all that its run does and all that it depends on. Two programs with the same hash do the same.

use super::{Goal, Program, SCHEMA};
use podlift_model::Digest;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn hash_of<T: Serialize>(value: &T) -> Digest {
    Digest::of(serde_json::to_vec(value).unwrap_or_default())
}

/// Programs of older versions keep their hash: a part that was added later is hashed only if it is present.
pub(super) fn of_program(program: &Program) -> Digest {
    let (mends, shared) = (&program.mends, program.goal.shared());
    let skip: &[String] = program.goal.upgrade().map(|u| u.skip_phases.as_slice()).unwrap_or_default();
    let does = (&program.phases, &shared.packages, &mends.repairs, skip, &mends.patches);
    let whole = hash_of(&(SCHEMA, does, &program.fingerprints));
    let whole = match mends.meant.is_empty() && shared.ignore.is_empty() {
        true => whole,
        false => hash_of(&(whole, &mends.meant, &shared.ignore)),
    };
    match &program.goal {
        Goal::Upgrade(_) => whole,
        Goal::Repair(repair) => hash_of(&("repair", repair.version, whole)),
    }
}

/// Names of the parts in which two programs' facts differ.
pub fn differences(before: &Program, now: &Program) -> Vec<String> {
    changed_parts(&before.fingerprints, &now.fingerprints)
}

/// The same for the fingerprints alone.
pub fn changed_parts(a: &BTreeMap<String, Digest>, b: &BTreeMap<String, Digest>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|n| a.get(*n) != b.get(*n)).cloned().collect()
}
