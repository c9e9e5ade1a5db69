//! Decides from one look whether devices are in use that the drain did not account for. Pure.
//!
//! A drain leaves pods of DaemonSets and static pods on their node, so that their devices are accounted for. Both are known on the node
//! itself, by what the kubelet passes to the container runtime: a DaemonSet's pod has the label `pod-template-generation`, which its
//! controller sets, and a static pod the annotation `kubernetes.io/config.source`. The coordinator is not asked.

use super::allowed::{AllowedUnit, is_allowed};
use super::place;
use super::seen::Seen;
use podlift_host::{Allocation, Holder};
use podlift_tools::crictl::Sandbox;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Who holds which devices, one line each.
    pub held: Vec<String>,
    /// What can't be known, with the reason. On a node with GPUs it counts like a held device.
    pub unknown: Vec<String>,
    /// For the evidence: on what the verdict rests if not on everything.
    pub note: Option<String>,
}

impl Verdict {
    pub fn is_free(&self) -> bool {
        self.held.is_empty() && self.unknown.is_empty()
    }

    /// Held devices first, then what is not known; at most eight lines.
    pub fn reasons(&self) -> String {
        const MOST: usize = 8;
        let all: Vec<&str> = self.held.iter().chain(&self.unknown).map(String::as_str).collect();
        let more = all.len().saturating_sub(MOST);
        let shown = all.iter().take(MOST).copied().collect::<Vec<_>>().join("; ");
        if more == 0 { shown } else { format!("{shown}; and {more} more") }
    }
}

pub fn judge(seen: &Seen, allow: &[AllowedUnit]) -> Verdict {
    let mut verdict = Verdict::default();
    match &seen.allocations {
        Ok(all) => verdict.held.extend(all.iter().filter_map(|a| allocated(a, &seen.sandboxes))),
        Err(why) if seen.nvidia => without_list(&mut verdict, why, seen.kubelet.as_ref()),
        // A node without GPUs has nothing that only the kubelet knows.
        Err(_) => {}
    }
    let held = seen.holders.found.iter().filter_map(|holder| held(holder, &seen.sandboxes, allow));
    verdict.held.extend(held);
    if let Some(why) = seen.holders.unseen.as_ref().filter(|_| seen.nvidia) {
        verdict.unknown.push(format!(
            "{why}; the agent needs CAP_SYS_PTRACE, which its unit has (`systemctl cat podlift-agent` shows drop-ins)"
        ));
    }
    if let Some(why) = &seen.unlisted {
        verdict.unknown.push(format!("the GPUs' own list of processes: {why}"));
    }
    verdict
}

/// The kubelet's list is missing. If the kubelet is down, for example after an interrupted upgrade, nothing serves the list, and the
/// processes alone decide. A kubelet that runs and does not answer is not known to be safe.
fn without_list(verdict: &mut Verdict, why: &str, kubelet: Option<&Result<String, String>>) {
    match kubelet {
        Some(Ok(state)) if state != "active" => {
            verdict.note = Some(format!(
                "the kubelet was {state}, so that its list of allocated devices was not to be had: the processes alone decided"
            ));
        }
        Some(Err(state)) => {
            verdict.unknown.push(format!("{why}, and the kubelet's state is not known: {state}"))
        }
        _ => verdict.unknown.push(format!("the kubelet's list of allocated devices: {why}")),
    }
}

/// The line for an allocation that is not accounted for.
fn allocated(allocation: &Allocation, sandboxes: &Result<Vec<Sandbox>, String>) -> Option<String> {
    let Allocation { namespace, pod, devices } = allocation;
    let devices: Vec<String> = devices
        .iter()
        .map(|(resource, ids)| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            format!("{resource} {}", ids.join(", ")).trim_end().to_string()
        })
        .collect();
    let line = |what: &str| Some(format!("pod {namespace}/{pod} has {}{what}", devices.join(" and ")));
    let all = match sandboxes {
        Ok(all) => all,
        Err(why) => return line(&format!(", and the container runtime does not say whose pod it is: {why}")),
    };
    let own: Vec<&Sandbox> = all.iter().filter(|s| s.namespace == *namespace && s.name == *pod).collect();
    match own.iter().find(|s| s.ready) {
        Some(sandbox) if stays(sandbox) => None,
        Some(_) => line(""),
        // Kubelets list pods that have ended, too (kubernetes/kubernetes#119423).
        None if !own.is_empty() => None,
        None => line(" and is about to start"),
    }
}

/// Whether a drain leaves the pod where it is.
fn stays(sandbox: &Sandbox) -> bool {
    sandbox.daemon_set || sandbox.from_file
}

/// The line for a process that is not accounted for.
fn held(holder: &Holder, sandboxes: &Result<Vec<Sandbox>, String>, allow: &[AllowedUnit]) -> Option<String> {
    let place = place::of(&holder.cgroup);
    let owner = match (&place.pod, &place.unit) {
        (Some(uid), _) => match sandboxes.as_ref().map(|all| all.iter().find(|s| s.uid == *uid)) {
            Ok(Some(sandbox)) if stays(sandbox) => return None,
            Ok(Some(sandbox)) => format!("pod {}/{}", sandbox.namespace, sandbox.name),
            Ok(None) => format!("pod {uid}, which the container runtime does not list"),
            Err(why) => format!("pod {uid}, of which the container runtime does not say whose it is: {why}"),
        },
        (None, Some(unit)) if is_allowed(unit, allow) => return None,
        (None, Some(unit)) => unit.clone(),
        (None, None) => "no unit of systemd".into(),
    };
    let devices: Vec<&str> = holder.devices.iter().map(String::as_str).collect();
    let Holder { pid, command, .. } = holder;
    Some(format!("pid {pid} `{command}` ({owner}) has {} open", devices.join(", ")))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
