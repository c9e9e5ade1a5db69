//! Calico, Tigera's operator and their owners, and the removal of the operator. What BCM applies is added by another module.

use super::addons;
use super::api::{Api, ApiError};
use super::survey;
use http::Method;
use podlift_engine::doors::{CalicoView, DaemonSetView, OperatorView, RolloutKind, WorkloadView};
use podlift_model::Failure;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const OPERATOR: &str = "/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator";
const OPERATOR_PODS: &str = "/api/v1/namespaces/tigera-operator/pods";
const INSTALLATIONS: &str = "/apis/operator.tigera.io/v1/installations";
const NODE: &str = "calico-node";
const CONTROLLERS: &str = "calico-kube-controllers";
/// Prefixes of the finalizers that only the operator takes off.
const FINALIZERS: &[&str] = &["tigera.io/", "operator.tigera.io/"];
/// How long the removal waits for the pods of the operator, and for the API to take a change of finalizers.
const PATIENCE: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_secs(1);

pub(in crate::cluster::kube) async fn read(api: &Api) -> Result<CalicoView, Failure> {
    let named = |name: &str| format!("metadata.name={name}");
    let (of_node, of_controllers) = (named(NODE), named(CONTROLLERS));
    let selectors = [[("fieldSelector", of_node.as_str())], [("fieldSelector", of_controllers.as_str())]];
    let (operator, installations, nodes, sets, controllers, restarts, status) = tokio::join!(
        api.find(OPERATOR),
        installations(api),
        nodes(api),
        api.list("/apis/apps/v1/daemonsets", &selectors[0]),
        api.list("/apis/apps/v1/deployments", &selectors[1]),
        restarts(api),
        survey::tigera(api)
    );
    let (operator, sets, controllers) = (operator?, sets?, controllers?);
    let all = || operator.iter().chain(&sets).chain(&controllers);
    let unique = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>();
    Ok(CalicoView {
        installations: installations?.iter().map(name).collect(),
        applications: vec![],
        managers: unique(sets.iter().chain(&controllers).flat_map(managers).collect()),
        releases: unique(all().filter_map(survey::release).collect()),
        nodes: nodes?,
        daemon_sets: sets.iter().map(daemon_set).collect(),
        kube_controllers: controllers.iter().map(workload).collect(),
        restarts: restarts?,
        status: status?,
        offered_by_bcm: false,
        operator: operator.as_ref().map(operator_view),
    })
}

async fn installations(api: &Api) -> Result<Vec<Value>, Failure> {
    match api.list(INSTALLATIONS, &[]).await {
        Ok(all) => Ok(all),
        // BCM's own Calico brings no such group.
        Err(ApiError::Status(s)) if s.code == 404 => Ok(vec![]),
        Err(error) => Err(error.into()),
    }
}

/// How many nodes there are, from a list of one that tells how many remain. No node travels but the first.
async fn nodes(api: &Api) -> Result<u32, ApiError> {
    api.count("list");
    let bytes = api.bytes(Method::GET, "/api/v1/nodes?limit=1", None).await?;
    let list: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let first = list["items"].as_array().map_or(0, |items| u32::from(!items.is_empty()));
    Ok(first.saturating_add(number(&list["metadata"]["remainingItemCount"])))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn name(object: &Value) -> String {
    text(&object["metadata"]["name"])
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|n| n.try_into().ok()).unwrap_or(0)
}

/// Who wrote the object itself, without its status.
fn managers(object: &Value) -> Vec<String> {
    let fields = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let own = fields.filter(|f| f["subresource"].as_str().is_none_or(str::is_empty));
    own.map(|f| text(&f["manager"])).filter(|manager| !manager.is_empty()).collect()
}

fn operator_view(object: &Value) -> OperatorView {
    let mut owners: Vec<String> = managers(object);
    owners.extend(survey::release(object).map(|release| format!("Helm release {release}")));
    owners.dedup();
    let containers = &object["spec"]["template"]["spec"]["containers"];
    OperatorView {
        namespace: text(&object["metadata"]["namespace"]),
        image: text(&containers[0]["image"]),
        ready: number(&object["status"]["readyReplicas"]) > 0,
        owners,
    }
}

fn daemon_set(object: &Value) -> DaemonSetView {
    let owner = &object["metadata"]["ownerReferences"][0];
    let owner = match owner["kind"].as_str() {
        Some(kind) => format!("{kind}/{}", text(&owner["name"])),
        None => managers(object).into_iter().next().unwrap_or_default(),
    };
    DaemonSetView {
        namespace: text(&object["metadata"]["namespace"]),
        name: text(&object["metadata"]["name"]),
        desired: number(&object["status"]["desiredNumberScheduled"]),
        ready: number(&object["status"]["numberReady"]),
        owner,
    }
}

fn workload(object: &Value) -> WorkloadView {
    WorkloadView {
        namespace: text(&object["metadata"]["namespace"]),
        name: text(&object["metadata"]["name"]),
        rollout: addons::rollout(RolloutKind::Deployment, object),
    }
}

/// A pod of Calico, of which only the restarts are kept.
#[derive(Deserialize)]
struct Pod {
    metadata: Named,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Named {
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    container_statuses: Option<Vec<Container>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    restart_count: u32,
}

async fn restarts(api: &Api) -> Result<BTreeMap<String, u32>, Failure> {
    let selector = format!("k8s-app in ({NODE},{CONTROLLERS})");
    let mut all = BTreeMap::new();
    api.each("/api/v1/pods", &[("labelSelector", &selector)], |pod: Pod| {
        let count = pod.status.container_statuses.into_iter().flatten().map(|c| c.restart_count).sum();
        all.insert(format!("{}/{}", pod.metadata.namespace, pod.metadata.name), count);
    })
    .await?;
    Ok(all)
}

/// Deletes the operator, and then its Installation objects, which it would make anew. What they own stays. What is gone already counts as
/// deleted. It is refused where a node has its Calico from the operator, which would go with it.
pub(super) async fn remove(api: &Api) -> Result<String, Failure> {
    let now = read(api).await?;
    if now.operator.is_none() && now.installations.is_empty() {
        return Ok("Tigera's operator was gone already".into());
    }
    if let Some(why) = now.held_by_operator() {
        let text = format!(
            "{why}, so the removal of Tigera's operator would take the network away: nothing was deleted; kubectl get daemonsets -A shows them"
        );
        return Err(Failure::operator("operator-owns-calico", text));
    }
    let mut gone = vec![];
    if delete(api, OPERATOR, "Background").await? {
        gone.push("deployment tigera-operator/tigera-operator".to_string());
    }
    // As long as it runs, it takes away what belongs to an Installation that is being deleted.
    ended(api).await?;
    for name in &now.installations {
        if delete(api, &format!("{INSTALLATIONS}/{name}"), "Orphan").await? {
            gone.push(format!("installation {name}"));
        }
    }
    release(api).await?;
    Ok(match gone.is_empty() {
        true => "Tigera's operator was gone already".into(),
        false => format!("deleted: {}", gone.join(", ")),
    })
}

/// Waits until the operator has no pod.
async fn ended(api: &Api) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = api.list(OPERATOR_PODS, &[("labelSelector", "k8s-app=tigera-operator")]).await?;
        let Some(pod) = left.first() else { return Ok(()) };
        if Instant::now() >= until {
            let (pod, seconds) = (name(pod), PATIENCE.as_secs());
            let text = format!(
                "pod tigera-operator/{pod} is still there {seconds} s after the deletion of its deployment, expected it gone, so no Installation was deleted: kubectl -n tigera-operator get pods -o wide"
            );
            return Err(Failure::transient("operator-runs", text));
        }
        sleep(AGAIN).await;
    }
}

/// Takes the operator's finalizers off its Installation objects that are being deleted, because nobody else does. Others stay.
async fn release(api: &Api) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut again = false;
        for object in installations(api).await? {
            let metadata = &object["metadata"];
            let all: Vec<&str> =
                metadata["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let mine = |finalizer: &str| FINALIZERS.iter().any(|prefix| finalizer.starts_with(prefix));
            let kept: Vec<&str> = all.iter().copied().filter(|finalizer| !mine(finalizer)).collect();
            if metadata["deletionTimestamp"].is_null() || kept.len() == all.len() {
                continue;
            }
            let version = &metadata["resourceVersion"];
            let patch = json!({"metadata": {"resourceVersion": version, "finalizers": kept}});
            match api.merge_patch(&format!("{INSTALLATIONS}/{}", name(&object)), &patch).await {
                Err(ApiError::Status(s)) if s.code == 404 => {}
                // The garbage collector has written it in between.
                Err(ApiError::Status(s)) if s.code == 409 && Instant::now() < until => again = true,
                ended => drop(ended?),
            }
        }
        if !again {
            return Ok(());
        }
        sleep(AGAIN).await;
    }
}

/// False if there is no such object.
async fn delete(api: &Api, path: &str, policy: &str) -> Result<bool, Failure> {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy});
    match api.delete(path, &options).await {
        Ok(_) => Ok(true),
        Err(ApiError::Status(s)) if s.code == 404 => Ok(false),
        Err(error) => Err(error.into()),
    }
}
