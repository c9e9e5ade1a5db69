//! Makes the record of a cluster and its nodes, for a later comparison.

use crate::program::Recorded;
use crate::survey::ClusterSurvey;
use podlift_model::NodeName;
use podlift_model::survey::NodeSurvey;

/// Records what could be seen. What could not be seen is not recorded as absent.
pub fn record_of<'a>(
    cluster: Option<&ClusterSurvey>,
    nodes: impl Iterator<Item = (&'a NodeName, &'a NodeSurvey)>,
) -> Recorded {
    let mut out = cluster.map(of_cluster).unwrap_or_default();
    for (name, survey) in nodes {
        if !survey.mounts.is_empty() {
            out.mounts.insert(name.clone(), survey.mounts.clone());
        }
        if !survey.infiniband.is_empty() {
            out.infiniband.insert(name.clone(), survey.infiniband.clone());
        }
    }
    out
}

fn of_cluster(seen: &ClusterSurvey) -> Recorded {
    Recorded {
        served: seen.served.clone(),
        load_balancers: seen.load_balancers.clone().unwrap_or_default(),
        hardware: seen.hardware.clone().unwrap_or_default(),
        runtime_classes: seen.runtime_classes.clone().unwrap_or_default(),
        tigera: seen.tigera.clone().unwrap_or_default(),
        applications: seen.applications.clone().unwrap_or_default().unwrap_or_default(),
        ..Recorded::default()
    }
}
