//! ConfigMaps of kubeadm, addons, and who may ask at all.

use crate::cluster_adapter::target::{Target, epoch};
use podlift_coordinator::Cluster as _;
use podlift_engine::doors::KubeadmConfigView;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::FailureClass;
use serde_json::json;

const MAPS: &str = "/api/v1/namespaces/kube-system/configmaps";
const SETS: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets";

async fn config(t: &Target) -> KubeadmConfigView {
    let reply = t.cluster().look(&ClusterLook::KubeadmConfig).await.unwrap();
    let ClusterReply::KubeadmConfig(view) = reply else { panic!("{reply:?}") };
    view
}

pub async fn kubeadm_config_is_written_on_what_was_read(t: &Target) {
    let admin = t.admin();
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubeadm-config"},
        "data": {"ClusterConfiguration": "old: true\n"}});
    admin.put(MAPS, object).await;
    let read = config(t).await;
    assert_eq!(read.cluster_configuration, "old: true\n");
    let write = |version: &str| ClusterAct::WriteKubeadmConfig {
        resource_version: version.into(),
        cluster_configuration: "new: true\n".into(),
    };
    // Another writer is quicker.
    admin.merge(&format!("{MAPS}/kubeadm-config?fieldManager=hand"), json!({"data": {"Other": "x"}})).await;
    let late = t.cluster().act(&write(&read.resource_version), &epoch(5)).await.unwrap_err();
    assert_eq!((late.code.as_str(), late.class), ("api-conflict", FailureClass::Transient));
    let read = config(t).await;
    assert!(read.managers.iter().any(|m| m.starts_with("hand at ")), "{:?}", read.managers);
    t.cluster().act(&write(&read.resource_version), &epoch(5)).await.unwrap();
    let read = config(t).await;
    assert_eq!(read.cluster_configuration, "new: true\n");
    assert!(read.managers.iter().any(|m| m.starts_with("podlift at ")), "{:?}", read.managers);
    let older = t.cluster().act(&write(&read.resource_version), &epoch(4)).await.unwrap_err();
    assert_eq!(older.code, "fenced");
}

pub async fn addons_are_seen(t: &Target) {
    let admin = t.admin();
    for path in [format!("{MAPS}/kube-proxy"), format!("{MAPS}/coredns"), format!("{SETS}/kube-proxy")] {
        admin.remove(&path).await;
    }
    let look = async || {
        let reply = t.cluster().look(&ClusterLook::Addons).await.unwrap();
        let ClusterReply::Addons(view) = reply else { panic!("{reply:?}") };
        view
    };
    let none = look().await;
    assert_eq!((none.kube_proxy, none.coredns, none.kube_proxy_version), (false, false, None));
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    admin.put(MAPS, map("kube-proxy")).await;
    let template = json!({"metadata": {"labels": {"k8s-app": "kube-proxy"}},
        "spec": {"containers": [{"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.31.14"}]}});
    let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "kube-proxy"},
        "spec": {"selector": {"matchLabels": {"k8s-app": "kube-proxy"}}, "template": template}});
    admin.put(SETS, set).await;
    let seen = look().await;
    assert!(seen.kube_proxy && !seen.coredns);
    assert_eq!(seen.kube_proxy_version.map(|v| v.to_string()).as_deref(), Some("v1.31.14"));
}

pub async fn strangers_are_told_so(t: &Target) {
    let refused = t.stranger().look(&ClusterLook::Nodes).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.class), ("api-forbidden", FailureClass::Transient));
    assert!(refused.message.contains("system:anonymous"), "{}", refused.message);
}
