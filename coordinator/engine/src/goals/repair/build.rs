//! Makes the program of a repair. The comparison of an upgrade serves with the running version as its target: what kubeadm would write at
//! its next run is compared with what runs.

use super::{order, version};
use crate::analysis::root_cause::RootCause;
use crate::doors::KubeadmConfigView;
use crate::goals::assemble::{Made, assemble};
use crate::goals::upgrade::build::{choose, kubelet_config, predict, waivers};
use crate::goals::upgrade::{bcm_plan, checks, items};
use crate::goals::{PlanError, PlanInput, left_out, mends};
use crate::inventory::Inventory;
use crate::issues::{IssueName, Sighting};
use crate::kubeadm_config::ConfigRepair;
use crate::program::{FLAG_LOSS, Finding, Goal, Mends, PatchFile, Program, Repair, Severity, finding};
use podlift_model::{Digest, KubeVersion, NodeName};
use std::collections::BTreeSet;

pub fn build(input: &PlanInput) -> Result<Program, PlanError> {
    let version = input.inventory.version().ok_or(PlanError::NoVersion)?;
    let input = &PlanInput { to: version, ..input.clone() };
    waivers(input)?;
    let chosen = choose(input)?;
    let left_out = left_out::of(input)?;
    let (mut cause, lost) = predict(input);
    items::check(input, &cause, &lost.losses)?;
    cause.prevented.extend(version::lost(input));
    let patches = patches(lost.patches, &chosen);
    let sightings = mends::sightings(input, &input.earlier.site);
    let of_config = wants_config(&input.issues);
    let mut also = order::Also {
        config: of_config && cause.repairs().iter().any(ConfigRepair::is_of_kubeadm),
        kubelet_config: of_config
            && cause.repairs().iter().any(|r| matches!(r, ConfigRepair::SetKubelet { .. })),
        patched: if of_config { patched(&chosen, &patches) } else { BTreeSet::new() },
        learn: false,
        mends: mends::of_sightings(input, &sightings),
    };
    let none = Default::default();
    let books = bcm_plan::Books { packages: &none, repairs_config: also.config };
    let bcm = bcm_plan::draw(input, &chosen, &left_out, &books);
    also.learn = bcm.plan.as_ref().is_some_and(|bcm| bcm.learn_config);
    let mut findings = checks::run(input, version, &cause, &lost.losses, &left_out, &bcm);
    findings.extend(version::check(input, version));
    findings.extend(sightings.iter().map(seen));
    findings.extend(nothing(input, version, &cause, &also));
    findings.sort_by_key(checks::rank);
    let goal = Goal::Repair(Repair { version, issues: input.issues.clone() });
    let phases = order::phases(&input.inventory, &goal.shared(), &also);
    let repairs = cause.repairs();
    let unknown = KubeadmConfigView {
        resource_version: String::new(),
        cluster_configuration: String::new(),
        managers: vec![],
    };
    let texts = Mends {
        prevented: cause.prevented,
        kubeadm_config: input.kubeadm_config.clone().unwrap_or(unknown),
        kubelet_config: kubelet_config(input, &repairs),
        repairs,
        meant: vec![],
        patches,
    };
    let mut program = assemble(
        input,
        Made {
            goal,
            mends: texts,
            phases,
            jobs: vec![],
            bcm: bcm.plan.filter(|_| also.learn),
            findings,
            left_out,
        },
    );
    mends::carry(&mut program.recorded, &input.earlier.site, &sightings);
    Ok(program)
}

/// Whether kubeadm's own texts are repaired: always, unless only other issues are asked for.
fn wants_config(issues: &[IssueName]) -> bool {
    let of_texts = |issue: &IssueName| matches!(issue, IssueName::EtcdServers | IssueName::FeatureGates);
    issues.is_empty() || issues.iter().any(of_texts)
}

/// A sighting stops no repair: it is the reason for one.
fn seen(sighting: &Sighting) -> Finding {
    let severity = sighting.severity.max(Severity::Warning);
    finding(sighting.issue.name(), severity, None, sighting.what.clone(), &sighting.next)
}

/// The files of the chosen nodes.
fn patches(all: Vec<PatchFile>, chosen: &Inventory) -> Vec<PatchFile> {
    let cut = |mut p: PatchFile| {
        p.nodes.retain(|n| chosen.get(n).is_some());
        (!p.nodes.is_empty()).then_some(p)
    };
    all.into_iter().filter_map(cut).collect()
}

/// Chosen nodes whose patches directory differs from what it has to be.
fn patched(chosen: &Inventory, patches: &[PatchFile]) -> BTreeSet<NodeName> {
    let differs = |name: &NodeName| {
        let wanted = patches.iter().filter(|p| p.nodes.contains(name)).map(|p| (p.name, Digest::of(&p.text)));
        let facts = chosen.get(name).and_then(|n| n.facts.as_ref());
        facts.is_some_and(|f| f.patches != wanted.collect())
    };
    chosen.nodes.iter().map(|n| n.name.clone()).filter(differs).collect()
}

/// The note that there is nothing to repair.
fn nothing(
    input: &PlanInput,
    version: KubeVersion,
    cause: &RootCause,
    also: &order::Also,
) -> Option<Finding> {
    let waived = input.waivers.iter().any(|w| w.check == FLAG_LOSS);
    (also.is_empty() && cause.unrepairable.is_empty() && !waived).then(|| {
        let evidence = format!(
            "nothing to repair: kubeadm-config, kubelet-config and the nodes' patches already give what runs at {version}, and no known issue is seen; the run only verifies"
        );
        finding("repair", Severity::Note, None, evidence, "")
    })
}
