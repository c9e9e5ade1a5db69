//! The call of `cmsh` for every question and change. cmsh interprets `!command`, `;`, `|`, back-ticks and `#`, so its script contains only
//! fixed words and validated names.

use crate::UnitSpec;
use podlift_host::Invocation;
use podlift_model::ClusterName;
use std::time::Duration;

/// -n: no rc file of the site changes a format. -q: the first error ends it. Without --hide-events, events would mix with the lines, and
/// with colours an answer would begin with an escape sequence.
const OPTIONS: [&str; 6] = ["-n", "-q", "--hide-events", "--color", "no", "-c"];

/// Time of a call. After a failover CMDaemon answers late.
const LIMIT: Duration = Duration::from_secs(120);

/// Most objects that one script names, so that a script stays far below the kernel's limit of an argument.
pub(super) const CHUNK: usize = 100;

fn args(script: &str) -> impl Iterator<Item = String> {
    OPTIONS.iter().map(ToString::to_string).chain([script.to_string()])
}

/// Runs the script.
pub(super) fn script(script: &str) -> Invocation {
    Invocation::new("cmsh", args(script)).timeout(LIMIT)
}

/// Runs the script as a unit, for work that takes longer than a call may.
pub(super) fn unit(script: &str, limit: Duration) -> UnitSpec {
    with_home(UnitSpec::new("cmsh", args(script)).limit(limit))
}

/// cmsh looks for root's certificate below HOME.
pub(super) fn with_home(spec: UnitSpec) -> UnitSpec {
    spec.env("HOME", "/root").env("TERM", "dumb")
}

/// Runs `words` in the Kubernetes mode of one cluster.
pub(super) fn of_cluster(cluster: &ClusterName, words: &str) -> Invocation {
    script(&format!("kubernetes use {cluster}; {words}"))
}
