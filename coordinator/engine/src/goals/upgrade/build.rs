//! Makes the program from what was observed, or the reason why there is none.

use super::{bcm_plan, blast, checks, images, items, loss, meant, order};
use crate::analysis::kubeadm::has_phases;
use crate::analysis::root_cause;
use crate::doors::KubeadmConfigView;
use crate::goals::assemble::{Made, assemble};
use crate::goals::{PlanError, PlanInput, left_out, mends};
use crate::inventory::{Inventory, NodeEntry, NodeRole};
use crate::jobs::unless_waived;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair};
use crate::program::{Goal, LeftOut, Mends, NEVER_INTERRUPT, Program, Upgrade};
use crate::survey::ClusterSurvey;
use podlift_batches::Job;
use podlift_model::command::kinds::STORE;
use podlift_model::op::{Addon, Package};
use podlift_model::version::{VersionError, check_step};
use podlift_model::{KubeVersion, PackageVersion};
use std::collections::BTreeMap;

pub fn build(input: &PlanInput) -> Result<Program, PlanError> {
    match with_number(input) {
        Some(input) => of_numbers(&input),
        None => of_numbers(input),
    }
}

/// The input with the limit of the policy as a number of workers; `None` if it has that number already.
fn with_number(input: &PlanInput) -> Option<PlanInput> {
    let limit = input.options.batches.as_ref()?.max_unavailable?;
    let number = limit.of(input.inventory.of_role(NodeRole::Worker).count()) as u32;
    (input.options.max_unavailable != number).then(|| {
        let mut input = input.clone();
        input.options.max_unavailable = number;
        input
    })
}

fn of_numbers(input: &PlanInput) -> Result<Program, PlanError> {
    let from = input.inventory.version().ok_or(PlanError::NoVersion)?;
    validate(input, from)?;
    let chosen = choose(input)?;
    let left_out = left_out::of(input)?;
    let (cause, lost) = predict(input);
    items::check(input, &cause, &lost.losses)?;
    let packages = packages(input);
    let repairs_config = cause.repairs().iter().any(ConfigRepair::is_of_kubeadm);
    let books = bcm_plan::Books { packages: &packages, repairs_config };
    let bcm = bcm_plan::draw(input, &chosen, &left_out, &books);
    let mut findings = checks::run(input, from, &cause, &lost.losses, &left_out, &bcm);
    findings.sort_by_key(checks::rank);
    let repairs = cause.repairs();
    let none = || KubeadmConfigView {
        resource_version: String::new(),
        cluster_configuration: String::new(),
        managers: vec![],
    };
    let goal = Goal::Upgrade(Upgrade {
        from,
        to: input.to,
        packages,
        addons: addons(input),
        skip_phases: skip_phases(input),
        ignore: meant::preflight(input),
        blast: blast::of(input, &chosen),
        images: images::of(input, &chosen),
        losses: lost.losses.clone(),
    });
    let bcm_plan = bcm.plan.clone();
    let also = order::Also { bcm, ..also(input, &chosen, &repairs, &lost, &left_out) };
    let (phases, jobs) = order::phases(&input.inventory, &chosen, &input.options, &goal.shared(), &also);
    let mends = Mends {
        prevented: cause.prevented,
        kubeadm_config: input.kubeadm_config.clone().unwrap_or_else(|_| none()),
        kubelet_config: kubelet_config(input, &repairs),
        repairs,
        meant: meant::losses(input, &lost.losses),
        patches: lost.patches,
    };
    Ok(assemble(input, Made { goal, mends, phases, jobs, bcm: bcm_plan, findings, left_out }))
}

/// The steps that this plan has in addition to the usual ones.
fn also(
    input: &PlanInput,
    chosen: &Inventory,
    repairs: &[ConfigRepair],
    lost: &loss::Predicted,
    left_out: &[LeftOut],
) -> order::Also {
    let kept = |n: &NodeEntry| n.facts.as_ref().is_some_and(|f| !f.patches.is_empty());
    let wanted = |n: &NodeEntry| lost.patches.iter().any(|p| p.nodes.contains(&n.name));
    let patched = chosen.nodes.iter().filter(|n| kept(n) || wanted(n)).map(|n| n.name.clone());
    let config = input.kubeadm_config.as_ref().ok();
    let config = config.and_then(|c| ClusterConfiguration::parse(&c.cluster_configuration).ok());
    order::Also {
        config_at_target: config.and_then(|c| c.kubernetes_version()) == Some(input.to),
        kubelet_config: repairs.iter().any(|r| matches!(r, ConfigRepair::SetKubelet { .. })),
        patched: patched.collect(),
        without: left_out.iter().filter(|out| !out.unready).map(|out| out.node.clone()).collect(),
        unfinished: input.carried().since.into_keys().collect(),
        whole_apply: !has_phases(input.to),
        jobs: jobs_of(input),
        now: input.now,
        bcm: Default::default(),
        mends: mends::of_record(input),
    }
}

/// The jobs on the nodes, as far as they could be seen.
fn jobs_of(input: &PlanInput) -> Vec<Job> {
    let waived = input.waivers.iter().any(|w| w.check == NEVER_INTERRUPT);
    unless_waived(input.cluster_survey.as_ref().map(ClusterSurvey::jobs).unwrap_or_default(), waived)
}

/// The old text, if the run changes it.
pub(in crate::goals) fn kubelet_config(input: &PlanInput, repairs: &[ConfigRepair]) -> Option<String> {
    repairs.iter().find(|r| matches!(r, ConfigRepair::SetKubelet { .. }))?;
    input.cluster_survey.as_ref().ok()?.kubelet_config.clone().ok()
}

/// Compares what kubeadm would write with what runs.
pub(in crate::goals) fn predict(input: &PlanInput) -> (root_cause::RootCause, loss::Predicted) {
    let view = input.kubeadm_config.as_ref().ok();
    let parsed = view.and_then(|v| ClusterConfiguration::parse(&v.cluster_configuration).ok());
    let Some(config) = parsed else { return Default::default() };
    let mut cause = root_cause::analyse(&config, &input.inventory, input.to, &input.options.site_gates);
    let mut lost = loss::predict(input, &config);
    cause.prevented.append(&mut lost.prevented);
    cause.unrepairable.append(&mut lost.unrepairable);
    cause.store.append(&mut lost.store);
    (cause, lost)
}

fn validate(input: &PlanInput, from: KubeVersion) -> Result<(), PlanError> {
    check_step_or_resume(input, from)?;
    if input.options.max_unavailable == 0 {
        return Err(PlanError::NothingAtOnce);
    }
    if input.options.fetch_parallel == 0 {
        return Err(PlanError::Zero { option: "--max-fetch" });
    }
    waivers(input)
}

pub(in crate::goals) fn waivers(input: &PlanInput) -> Result<(), PlanError> {
    for waiver in &input.waivers {
        match (waiver.item(), waiver.devices()) {
            (Some((node, flag)), _) => item(input, &waiver.check, node, flag)?,
            (None, Some(node)) => devices(input, &waiver.check, node)?,
            (None, None) if checks::WAIVABLE.contains(&waiver.check.as_str()) => {}
            (None, None) => {
                let known = checks::WAIVABLE.join(", ");
                return Err(PlanError::UnknownWaiver { check: waiver.check.clone(), known });
            }
        }
        match waiver.reason.trim() {
            "" => return Err(PlanError::NoReason(waiver.check.clone())),
            "REASON" => return Err(PlanError::Placeholder(waiver.check.clone())),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the waiver of one loss. No waiver lets API servers start on another store.
fn item(input: &PlanInput, check: &str, node: &str, flag: &str) -> Result<(), PlanError> {
    let bad = |why: String| Err(PlanError::BadItem { check: check.into(), why });
    if !input.inventory.nodes.iter().any(|n| n.name.as_str() == node) {
        return bad(format!("node {node} is not in cluster {}", input.cluster));
    }
    match STORE.contains(&flag) || flag.starts_with('-') || flag.is_empty() {
        true if STORE.contains(&flag) => {
            bad(format!("--{flag} leads to the store of the cluster, and its loss can't be waived"))
        }
        true => bad("expected the flag's name without dashes, e.g. flag-loss/NODE/profiling".into()),
        false => Ok(()),
    }
}

/// Checks the waiver of a node's devices: a name that was mistyped would waive nothing.
fn devices(input: &PlanInput, check: &str, node: &str) -> Result<(), PlanError> {
    let known: Vec<&str> = input.earlier.recorded.since.keys().map(|n| n.as_str()).collect();
    match known.contains(&node) {
        true => Ok(()),
        false => Err(PlanError::BadItem { check: check.into(), why: unknown_devices(&known) }),
    }
}

fn unknown_devices(known: &[&str]) -> String {
    match known.is_empty() {
        true => "no earlier run has left a node unfinished, so there is no older record of devices: leave the waiver out".into(),
        false => format!(
            "no earlier run has left this node unfinished: expected devices/NODE with one of {}, or leave the waiver out",
            known.join(", ")
        ),
    }
}

/// Checks the step of the version. If all API servers are at the target already, the run may still have kubelets to upgrade.
fn check_step_or_resume(input: &PlanInput, from: KubeVersion) -> Result<(), VersionError> {
    let behind = input.inventory.nodes.iter().any(|n| n.view.kubelet.is_some_and(|v| v < input.to));
    match check_step(from, input.to) {
        Err(VersionError::Same { .. }) if behind => Ok(()),
        other => other,
    }
}

pub(in crate::goals) fn choose(input: &PlanInput) -> Result<Inventory, PlanError> {
    if input.nodes.is_empty() {
        return Ok(input.inventory.clone());
    }
    let all = &input.inventory.nodes;
    if let Some(node) = input.nodes.iter().find(|n| input.inventory.get(n).is_none()) {
        let known = all.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(PlanError::UnknownNode { node: node.clone(), cluster: input.cluster.to_string(), known });
    }
    let nodes = all.iter().filter(|n| input.nodes.contains(&n.name)).cloned().collect();
    Ok(Inventory { nodes })
}

/// The exact versions: for each package the newest revision of the target in any node's repository.
fn packages(input: &PlanInput) -> BTreeMap<Package, PackageVersion> {
    let offers = input.offers.values().flatten().flatten().filter(|o| o.version.kube == input.to);
    let mut out: BTreeMap<Package, PackageVersion> = BTreeMap::new();
    for offer in offers {
        let best = out.entry(offer.package).or_insert_with(|| offer.version.clone());
        *best = best.clone().max(offer.version.clone());
    }
    out
}

/// The addons that the cluster uses. kubeadm 1.32 would also deploy one whose ConfigMap is absent (`phases/upgrade/addons.go:93-150`).
fn addons(input: &PlanInput) -> Vec<Addon> {
    let Ok(view) = &input.addons else { return vec![] };
    let config = input
        .kubeadm_config
        .as_ref()
        .ok()
        .and_then(|c| ClusterConfiguration::parse(&c.cluster_configuration).ok());
    let enabled = |addon: &Addon| !config.as_ref().is_some_and(|c| c.addon_disabled(*addon));
    let present = [(Addon::Coredns, view.coredns), (Addon::KubeProxy, view.kube_proxy)];
    present.into_iter().filter(|(addon, there)| *there && enabled(addon)).map(|(addon, _)| addon).collect()
}

/// Phases that kubeadm has to skip on apply and node, because the ConfigMap of an addon is absent and the addon is not disabled.
fn skip_phases(input: &PlanInput) -> Vec<String> {
    // kubeadm 1.31 does not deploy an addon whose ConfigMap is absent, and has no phases to skip.
    if input.addons.is_err() || !has_phases(input.to) {
        return vec![];
    }
    let used = addons(input);
    let absent = [Addon::Coredns, Addon::KubeProxy].into_iter().filter(|a| !used.contains(a));
    absent.map(|a| format!("addon/{a}")).collect()
}
