//! Pods that are not Ready and have not ended, counted by namespace, without the test pods of a validation. No list of all pods is held:
//! they are counted where the watch has them, or as the pages of a list arrive.

use super::api::Api;
use super::cache::Cache;
use super::pod::Pod;
use super::survey::{MIRROR, RawPod};
use super::test_objects::NAMESPACE;
use podlift_engine::validate::NotReady;
use podlift_model::Failure;
use std::collections::BTreeMap;

/// Pods of a namespace that are named.
const NAMED: usize = 3;

pub(super) async fn read(
    api: &Api,
    watched: Option<&Cache<Pod>>,
) -> Result<BTreeMap<String, NotReady>, Failure> {
    let mut found = BTreeMap::new();
    if let Some(watched) = watched
        && let Some(pods) = watched.live().await
    {
        for pod in pods.iter().filter(|p| !p.finished && !p.mirror && !p.ready) {
            let why = if pod.deleting.is_some() { "is being deleted" } else { "is not Ready" };
            add(&mut found, &pod.namespace, &pod.pod, why);
        }
        return Ok(found);
    }
    api.each("/api/v1/pods", &[], |pod: RawPod| {
        if !pod.is_finished() && !pod.is_ready() && pod.metadata.annotation(MIRROR).is_none() {
            add(
                &mut found,
                &pod.metadata.namespace,
                &pod.metadata.name,
                reason(&pod).unwrap_or("is not Ready"),
            );
        }
    })
    .await?;
    Ok(found)
}

/// Why its first container waits.
fn reason(pod: &RawPod) -> Option<&str> {
    let all = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
    all.filter_map(|status| status.state.waiting.as_ref()).map(|w| w.reason.as_str()).find(|r| !r.is_empty())
}

fn add(found: &mut BTreeMap<String, NotReady>, namespace: &str, name: &str, why: &str) {
    if namespace == NAMESPACE {
        return;
    }
    let entry = found.entry(namespace.to_string()).or_default();
    entry.pods += 1;
    if entry.named.len() < NAMED {
        entry.named.push(format!("{name}: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pods_are_counted_and_few_are_named() {
        let mut found = BTreeMap::new();
        for number in 0..5 {
            add(&mut found, "a", &format!("web-{number}"), "CrashLoopBackOff");
        }
        add(&mut found, "b", "db", "is not Ready");
        add(&mut found, NAMESPACE, "podlift-validate-dns", "ContainerCreating");
        assert_eq!((found.len(), found["a"].pods, found["b"].pods), (2, 5, 1));
        assert_eq!(
            found["a"].named,
            ["web-0: CrashLoopBackOff", "web-1: CrashLoopBackOff", "web-2: CrashLoopBackOff"]
        );
    }
}
