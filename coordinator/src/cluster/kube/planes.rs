//! The pods of the control plane and of CoreDNS as one API server lists them: running images, and static pods with their restarts.

use super::api::Api;
use super::pages::or_default;
use super::survey::{MIRROR, Meta};
use crate::cluster::Servers;
use futures_util::future::join_all;
use jiff::Timestamp;
use podlift_engine::validate::{ImageSeen, StaticPod};
use podlift_model::survey::Seen;
use podlift_model::{Failure, NodeName};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

const PATH: &str = "/api/v1/namespaces/kube-system/pods";
/// Static pods of kubeadm, and CoreDNS.
const SELECTORS: [&str; 2] = ["tier=control-plane", "k8s-app=kube-dns"];
/// Time limit of one API server.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    image: String,
    ready: bool,
    restart_count: u32,
    #[serde(deserialize_with = "or_default")]
    state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    #[serde(deserialize_with = "or_default")]
    running: Option<Running>,
    #[serde(deserialize_with = "or_default")]
    waiting: Option<Waiting>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    started_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

async fn pods(api: &Api) -> Result<Vec<Pod>, Failure> {
    let mut all = Vec::new();
    for selector in SELECTORS {
        api.each(PATH, &[("labelSelector", selector)], |pod: Pod| all.push(pod)).await?;
    }
    Ok(all)
}

/// The static pods of the control plane, as the shared address lists them.
pub(super) async fn static_pods(api: &Api) -> Result<Vec<StaticPod>, Failure> {
    Ok(pods(api).await?.into_iter().filter_map(static_pod).collect())
}

fn static_pod(pod: Pod) -> Option<StaticPod> {
    pod.metadata.annotation(MIRROR)?;
    let containers = &pod.status.container_statuses;
    Some(StaticPod {
        node: NodeName::new(pod.spec.node_name).ok()?,
        ready: !containers.is_empty() && containers.iter().all(|c| c.ready),
        restarts: containers.iter().map(|c| c.restart_count).sum(),
        started: containers.iter().filter_map(|c| c.state.running.as_ref()?.started_at).max(),
        waiting: containers.iter().find_map(|c| Some(c.state.waiting.as_ref()?.reason.clone())),
        name: pod.metadata.name,
    })
}

/// What each API server lists as running.
pub(super) async fn images(
    api: &Api,
    servers: &dyn Servers,
    endpoints: &[String],
) -> BTreeMap<String, Seen<Vec<ImageSeen>>> {
    let looks = endpoints.iter().map(|endpoint| async move {
        let seen = match servers.at(endpoint) {
            Ok(client) => {
                let own = Api::new(client, LIMIT).with_meters(api.meters().clone());
                pods(&own).await.map(seen).map_err(|failure| failure.message)
            }
            Err(why) => Err(why),
        };
        (endpoint.clone(), seen)
    });
    join_all(looks).await.into_iter().collect()
}

fn seen(pods: Vec<Pod>) -> Vec<ImageSeen> {
    let of = |pod: Pod| {
        let name = format!("{}/{}", pod.metadata.namespace, pod.metadata.name);
        let one = move |c: Container| ImageSeen {
            pod: name.clone(),
            container: c.name,
            image: c.image,
            ready: c.ready,
        };
        pod.status.container_statuses.into_iter().map(one)
    };
    pods.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(mirror: bool) -> Pod {
        let annotations = if mirror { json!({MIRROR: "ab"}) } else { json!(null) };
        serde_json::from_value(json!({
            "metadata": {"namespace": "kube-system", "name": "kube-apiserver-runai-01", "annotations": annotations},
            "spec": {"nodeName": "runai-01"},
            "status": {"containerStatuses": [{"name": "kube-apiserver", "image": "registry.k8s.io/kube-apiserver:v1.32.9", "ready": false,
                "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_static_pod_that_crashes_has_its_reason_and_another_pod_is_none() {
        let crashing = static_pod(pod(true)).unwrap();
        assert_eq!((crashing.ready, crashing.restarts), (false, 4));
        assert_eq!(crashing.waiting.as_deref(), Some("CrashLoopBackOff"));
        assert_eq!(crashing.started, None);
        assert_eq!(static_pod(pod(false)), None);
    }

    #[test]
    fn images_are_those_of_the_status() {
        let [image] = &seen(vec![pod(true)])[..] else { panic!("one container") };
        assert_eq!(image.pod, "kube-system/kube-apiserver-runai-01");
        assert_eq!((image.image.as_str(), image.ready), ("registry.k8s.io/kube-apiserver:v1.32.9", false));
    }
}
