//! `cmsh`, as every question to it is put. cmsh takes `!command` and `;`: only fixed words and validated names are ever part of what it is
//! given.

use podlift_host::Invocation;
use podlift_model::ClusterName;

/// What is done within the Kubernetes mode of one cluster.
pub(super) fn of_cluster(cluster: &ClusterName, words: &str) -> Invocation {
    let script = format!("kubernetes use {cluster}; {words}");
    // -n: no rc file of the site changes a format. -q: the first error ends it. Events would get between the lines.
    Invocation::new("cmsh", ["-n", "-q", "--hide-events", "-c", &script])
}
