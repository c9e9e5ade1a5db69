//! Makes the record of a cluster and its nodes, for a later comparison.

use crate::program::Recorded;
use crate::survey::ClusterSurvey;
use podlift_model::NodeName;
use podlift_model::survey::NodeSurvey;
use std::collections::BTreeMap;

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
        ..Recorded::default()
    }
}
