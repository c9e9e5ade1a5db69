//! Which flags a kubeadm knows: what a version does not know ends it with 1 before it does anything.

use super::error::{Ended, Failed};
use crate::doubles::words::Words;
use podlift_model::KubeVersion;

const COMMON: &[&str] = &[
    "--certificate-renewal",
    "--dry-run",
    "--etcd-upgrade",
    "--ignore-preflight-errors",
    "--kubeconfig",
    "--patches",
    "--rootfs",
    "--v",
    "-v",
];
const APPLY: &[&str] = &[
    "--allow-experimental-upgrades",
    "--allow-release-candidate-upgrades",
    "--config",
    "--force",
    "--print-config",
    "--yes",
    "-f",
    "-y",
];

/// `upgrade apply` has phases from 1.32.
pub fn of_apply(words: &Words, own: KubeVersion) -> Ended {
    let since: &[&str] = if own.minor < 32 { &["--feature-gates"] } else { &["--skip-phases"] };
    refuse(words, &[COMMON, APPLY, since])
}

pub fn of_node(words: &Words, own: KubeVersion) -> Ended {
    let since: &[&str] = if own.minor < 32 { &[] } else { &["--config"] };
    refuse(words, &[COMMON, &["--skip-phases"], since])
}

fn refuse(words: &Words, known: &[&[&str]]) -> Ended {
    let is_known = |name: &String| known.iter().any(|list| list.contains(&name.as_str()));
    match words.options.iter().find(|(name, _)| !is_known(name)) {
        Some((name, _)) if name.starts_with("--") => Err(Failed::new(format!("unknown flag: {name}"))),
        Some((name, _)) => {
            let letter = name.trim_start_matches('-');
            Err(Failed::new(format!("unknown shorthand flag: '{letter}' in -{letter}")))
        }
        None => Ok(()),
    }
}
