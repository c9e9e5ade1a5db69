//! The small fleet's API.

use super::fleet::{Fleet, State};
use crate::cluster::{Cluster, UNREACHABLE};
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::request::*;
use podlift_model::*;

#[async_trait]
impl Cluster for Fleet {
    async fn call(&self, call: &ClusterCall, epoch: &Epoch) -> Result<ClusterReply, Failure> {
        let mut s = self.lock();
        if s.api_down && !matches!(call, ClusterCall::ProbeApiServers { .. }) {
            return Err(Failure::transient(
                UNREACHABLE,
                "the API server can't be reached: connection refused",
            ));
        }
        s.answer(call, epoch)
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        let s = self.lock();
        match s.api_down {
            true => {
                Err(Failure::transient(UNREACHABLE, "the API server can't be reached: connection refused"))
            }
            false => s.objects.get(path, query),
        }
    }
}

impl State {
    fn answer(&mut self, call: &ClusterCall, epoch: &Epoch) -> Result<ClusterReply, Failure> {
        Ok(match call {
            ClusterCall::Nodes | ClusterCall::NodesLately => {
                ClusterReply::Nodes(self.views.values().cloned().collect())
            }
            ClusterCall::Node { node } => ClusterReply::Node(self.views[node].clone()),
            ClusterCall::Cordon { node, run } => {
                let owner = Owner { run: run.clone(), epoch: epoch.clone() };
                let view = self.views.get_mut(node).unwrap();
                (view.unschedulable, view.owner) = (true, Some(owner));
                self.changed(node.as_str(), "cordon")
            }
            ClusterCall::Uncordon { node, .. } => {
                let view = self.views.get_mut(node).unwrap();
                (view.unschedulable, view.owner) = (false, None);
                self.changed(node.as_str(), "uncordon")
            }
            ClusterCall::PodsToEvict { node } => {
                let refused = self.refused_pods.get(node).cloned().unwrap_or_default();
                ClusterReply::Pods(EvictionView { evict: vec![], refused })
            }
            ClusterCall::Drain { node, .. } => self.changed(node.as_str(), "drain"),
            ClusterCall::KubeadmConfig => ClusterReply::KubeadmConfig(KubeadmConfigView {
                resource_version: "1".into(),
                cluster_configuration: self.config.clone(),
                managers: vec![],
            }),
            ClusterCall::WriteKubeadmConfig { cluster_configuration, .. } => {
                self.config = cluster_configuration.clone();
                self.changed("cluster", "kubeadm-config")
            }
            ClusterCall::Addons => ClusterReply::Addons(AddonsView {
                kube_proxy: true,
                coredns: true,
                kube_proxy_version: self.kube_proxy,
            }),
            ClusterCall::ProbeApiServers { endpoints } => {
                let (ok, why) = (!self.api_down, if self.api_down { "connection refused" } else { "" });
                let probe = |e: &String| ApiProbe { endpoint: e.clone(), ok, why: why.into() };
                ClusterReply::Probes(endpoints.iter().map(probe).collect())
            }
            ClusterCall::KubeletConfig => ClusterReply::KubeletConfig(KubeletConfigView {
                resource_version: "1".into(),
                kubelet: self.kubelet_config.clone(),
                managers: vec![],
            }),
            ClusterCall::WriteKubeletConfig { kubelet, .. } => {
                self.kubelet_config = kubelet.clone();
                self.changed("cluster", "kubelet-config-map")
            }
            ClusterCall::Backup { .. } | ClusterCall::CollectBackup { .. } => {
                return Err(Failure::permanent(
                    "not-of-the-api",
                    "a backup is more than the API's part of it",
                ));
            }
            ClusterCall::Survey { .. } => {
                ClusterReply::Survey(Box::new(podlift_engine::testing::survey::cluster_survey()))
            }
        })
    }

    fn changed(&mut self, on: &str, verb: &str) -> ClusterReply {
        self.effects.push((on.into(), verb.into(), String::new()));
        ClusterReply::Changed(format!("{verb} {on}"))
    }
}
