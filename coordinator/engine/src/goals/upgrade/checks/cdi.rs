//! containerd supports CDI from 1.7.2 on. On a node that uses CDI for its GPUs, an older containerd loses them with the next pod.

use super::View;
use crate::program::{Finding, Severity, finding};

const NEEDED: [u32; 3] = [1, 7, 2];

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, survey) in view.surveys() {
        let Some(containerd) = survey.containerd.as_ref().filter(|c| c.cdi) else { continue };
        let (severity, evidence) = match version(&containerd.version) {
            Some(v) if v >= NEEDED => continue,
            Some(_) => (
                Severity::Blocker,
                format!("containerd {} is older than 1.7.2, and CDI is used here", containerd.version),
            ),
            None => (
                Severity::Warning,
                format!("containerd's version {:?} can't be read, and CDI is used here", containerd.version),
            ),
        };
        out.push(finding(
            "containerd-cdi",
            severity,
            Some(node),
            evidence,
            &format!("ssh {node} containerd --version"),
        ));
    }
    out
}

/// Reads `v1.7.24-k3s1`, `2.1.4`, `1.7.2~rc.0` (which is older than 1.7.2, but reads as 1.7.2).
fn version(text: &str) -> Option<[u32; 3]> {
    let plain = text.trim_start_matches('v').split(['-', '+', '~']).next()?;
    let parts: Vec<u32> = plain.split('.').map_while(|p| p.parse().ok()).collect();
    parts.try_into().ok()
}
