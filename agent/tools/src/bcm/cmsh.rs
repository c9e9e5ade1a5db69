//! The call of `cmsh` for every question. cmsh interprets `!command` and `;`, so its script contains only fixed words and validated names.

use podlift_host::Invocation;
use podlift_model::ClusterName;

/// Runs `words` in the Kubernetes mode of one cluster.
pub(super) fn of_cluster(cluster: &ClusterName, words: &str) -> Invocation {
    let script = format!("kubernetes use {cluster}; {words}");
    // -n: no rc file of the site changes a format. -q: the first error ends it. Without --hide-events, events would mix with the lines.
    Invocation::new("cmsh", ["-n", "-q", "--hide-events", "-c", &script])
}
