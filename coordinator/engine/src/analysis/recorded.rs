//! Makes the record of a cluster and its nodes, for a later comparison.

use crate::program::Recorded;
use crate::survey::{ClusterSurvey, PodView};
use podlift_model::NodeName;
use podlift_model::survey::NodeSurvey;
use std::collections::{BTreeMap, BTreeSet};

/// Records what could be seen, and of each other part the reason why it could not. A node without mounts or devices has no entry.
pub fn record_of<'a>(
    cluster: Result<&ClusterSurvey, &String>,
    nodes: impl Iterator<Item = (&'a NodeName, &'a NodeSurvey)>,
) -> Recorded {
    let mut out = seen_of(cluster, nodes);
    out.mounts.retain(|_, seen| !seen.as_ref().is_ok_and(BTreeMap::is_empty));
    out.infiniband.retain(|_, seen| !seen.as_ref().is_ok_and(Vec::is_empty));
    out
}

/// The same for a comparison with a record: a node without mounts or devices has an empty entry.
pub fn seen_of<'a>(
    cluster: Result<&ClusterSurvey, &String>,
    nodes: impl Iterator<Item = (&'a NodeName, &'a NodeSurvey)>,
) -> Recorded {
    let mut out = match cluster {
        Ok(seen) => of_cluster(seen),
        Err(why) => Recorded::unseen(why),
    };
    for (name, survey) in nodes {
        let (mounts, devices) = (survey.seen_mounts(), survey.seen_infiniband());
        out.mounts.insert(name.clone(), mounts.cloned().map_err(String::from));
        out.infiniband.insert(name.clone(), devices.cloned().map_err(String::from));
    }
    out
}

fn of_cluster(seen: &ClusterSurvey) -> Recorded {
    // Without a head node in the configuration, BCM is not asked.
    let not_asked = || "no head node is configured ([bcm] head in coordinator.toml)".to_string();
    Recorded {
        // The certificates are read at the addresses of services and ingresses.
        served: match (&seen.ingresses, &seen.load_balancers) {
            (Err(why), _) | (_, Err(why)) if seen.served.is_empty() => Err(why.clone()),
            _ => Ok(seen.served.clone()),
        },
        load_balancers: seen.load_balancers.clone(),
        hardware: seen.hardware.clone(),
        runtime_classes: seen.runtime_classes.clone(),
        tigera: seen.tigera.clone(),
        applications: seen.applications.clone().and_then(|all| all.ok_or_else(not_asked)),
        not_ready: seen.pods.as_ref().map(|pods| not_ready(pods)).map_err(Clone::clone),
        tls_secrets: tls_secrets(seen),
        ..Recorded::default()
    }
}

/// The namespace of a validation's test pods.
const TESTS: &str = "podlift";

/// Namespace to the number of its pods that are not Ready and have not ended. Namespaces without one, and that of test pods, are not in it.
pub fn not_ready(pods: &[PodView]) -> BTreeMap<String, u32> {
    let mut out = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.ready && !pod.finished && pod.namespace != TESTS) {
        *out.entry(pod.namespace.clone()).or_default() += 1;
    }
    out
}

fn tls_secrets(seen: &ClusterSurvey) -> BTreeSet<String> {
    let ingresses = seen.ingresses.iter().flatten();
    let named = ingresses.flat_map(|i| i.tls_secrets.iter().map(|s| format!("{}/{s}", i.namespace)));
    let defaults = seen.controllers.iter().flatten().filter_map(|c| c.default_certificate.clone());
    named.chain(defaults).collect()
}
