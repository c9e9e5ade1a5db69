//! `kubectl`, for the one object of the cluster on which the names of images depend.

use crate::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use std::time::Duration;

const ADMIN: &str = "/etc/kubernetes/admin.conf";

/// `ClusterConfiguration` of ConfigMap kubeadm-config, with the credentials that kubeadm itself uses on a control-plane node.
pub async fn cluster_configuration(host: &Host) -> Result<String, Failure> {
    let words = ["--kubeconfig", ADMIN, "--request-timeout=5s", "-n", "kube-system", "get", "configmap"];
    let what = ["kubeadm-config", "-o", "jsonpath={.data.ClusterConfiguration}"];
    let call = Invocation::new("kubectl", words.into_iter().chain(what)).timeout(Duration::from_secs(10));
    must(host, &call).await
}
