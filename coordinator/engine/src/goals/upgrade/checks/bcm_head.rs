//! The head node of the configuration is the active one: only that changes BCM's state. Its tools have to know the command by which BCM reads
//! kubeadm-config, and BCM has to list the cluster under the name that podlift uses.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::bcm::{BcmCluster, HeadMode, HeadState};

pub const ID: &str = "bcm-head";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(bcm) = &view.input.bcm else { return vec![] };
    let mode = match &bcm.state {
        Err(why) => Some(unknown(&bcm.head, why)),
        Ok(state) => of_mode(&bcm.head, state),
    };
    let learns = bcm.state.as_ref().ok().and_then(|state| no_script(view, state));
    let cluster = bcm.clusters.as_ref().ok().and_then(|all| not_listed(view, all));
    let mut found: Vec<Finding> = mode.into_iter().chain(learns).chain(cluster).collect();
    // Where no disk comes from an image, only BCM's metadata waits for the head node.
    if bcm.nodes.as_ref().is_ok_and(|rows| rows.iter().all(|row| row.image.is_none())) {
        found.iter_mut().for_each(|finding| finding.severity = Severity::Warning);
    }
    found
}

fn unknown(head: &podlift_model::NodeName, why: &str) -> Finding {
    let evidence = format!(
        "whether head node {head} is the active one is not known, and only that may change images: {why}"
    );
    finding(ID, Severity::Blocker, None, evidence, "cmha status")
}

fn of_mode(head: &podlift_model::NodeName, state: &HeadState) -> Option<Finding> {
    let evidence = match state.mode {
        HeadMode::Active | HeadMode::Alone => return None,
        HeadMode::Passive => format!(
            "head node {head} is the passive one, and only the active one changes BCM's state: name the active one as [bcm] head in /etc/podlift/coordinator.toml"
        ),
        HeadMode::Unknown => format!(
            "which head node is the active one is not clear, so that none may change BCM's state: {}",
            state.text
        ),
    };
    Some(finding(ID, Severity::Blocker, None, evidence, "cmha status"))
}

/// The run repairs kubeadm-config, and BCM can't be made to read it.
fn no_script(view: &View, state: &HeadState) -> Option<Finding> {
    let repairs = view.cause.repairs().iter().any(|repair| repair.is_of_kubeadm());
    let evidence = "the run repairs kubeadm-config, and this head node has no cm-kubeadm-manage with update_configmap: BCM may write its older copy back, and then the run stops and names the writer";
    let next = "ls /cm/local/apps/cmd/scripts/cm-kubeadm-manage";
    (repairs && !state.kubeadm_manage).then(|| finding(ID, Severity::Warning, None, evidence.into(), next))
}

fn not_listed(view: &View, all: &[BcmCluster]) -> Option<Finding> {
    let cluster = &view.input.cluster;
    let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    let evidence = format!(
        "BCM lists no Kubernetes cluster {cluster}, it has {}: `cluster` in /etc/podlift/coordinator.toml has to be BCM's name",
        if names.is_empty() { "none".into() } else { names.join(", ") }
    );
    let is = all.iter().any(|c| c.name == *cluster);
    (!is).then(|| finding(ID, Severity::Blocker, None, evidence, "cmsh -c \"kubernetes; list\""))
}
