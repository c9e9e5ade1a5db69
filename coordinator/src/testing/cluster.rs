//! The small fleet's API.

use super::fleet::{Fleet, State};
use crate::cluster::{Change, Cluster, Followed, SecretCopy, UNREACHABLE};
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::*;
use podlift_model::*;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

#[async_trait]
impl Cluster for Fleet {
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        let mut s = self.lock();
        if matches!(look, ClusterLook::Workloads) {
            s.looks_at_work += 1;
            if s.work_unseen {
                // As the port of a connection in a real message, the text differs each time.
                let text = format!("{} (attempt {})", away().message, s.looks_at_work);
                return Err(Failure { message: text, ..away() });
            }
        }
        if s.api_down && !matches!(look, ClusterLook::ProbeApiServers { .. }) {
            return Err(away());
        }
        Ok(s.answer(look))
    }

    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure> {
        if hangs(&self.lock().hanging, act) {
            std::future::pending::<()>().await;
        }
        if matches!(act, ClusterAct::RestoreService { .. }) && self.lock().net.hanging {
            std::future::pending::<()>().await;
        }
        let mut s = self.lock();
        if s.api_down {
            return Err(away());
        }
        if let ClusterAct::RestoreService { object, .. } = act {
            return s.net.create(object.as_ref().clone());
        }
        Ok(s.change(act, epoch))
    }

    async fn follow(&self, what: &Followed, changes: &mpsc::Sender<Change>) -> Failure {
        if self.lock().api_down {
            return away();
        }
        let (all, mut following) = self.lock().net.follow(what);
        let mut next = Some(all);
        while let Some(change) = next {
            if changes.send(change).await.is_err() {
                break;
            }
            next = following.next().await;
        }
        away()
    }

    async fn create_secret(&self, copy: &SecretCopy) -> Result<String, Failure> {
        let object = serde_json::from_slice(copy.json()).unwrap();
        self.lock().net.create(object)
    }

    async fn said_about(
        &self,
        _kind: &str,
        _namespace: &str,
        _name: &str,
    ) -> Result<Option<String>, Failure> {
        Ok(self.lock().net.said.clone())
    }

    async fn read_at(&self, endpoint: &str) -> ApiProbe {
        let broken = self.lock().reads_to_fail.get_mut(endpoint).is_some_and(|left| {
            let fails = *left > 0;
            *left = left.saturating_sub(1);
            fails
        });
        match broken {
            true => ApiProbe { endpoint: endpoint.into(), ok: false, why: "connection reset".into() },
            false => self.ready_at(endpoint).await,
        }
    }

    /// Writes have no faults of their own.
    async fn write_at(&self, endpoint: &str) -> ApiProbe {
        self.ready_at(endpoint).await
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        let s = self.lock();
        match s.api_down {
            true => Err(away()),
            false => s.objects.get(path, query),
        }
    }
}

/// By the verb, or by verb and node.
fn hangs(hanging: &BTreeSet<String>, act: &ClusterAct) -> bool {
    let (verb, node) = match act {
        ClusterAct::Drain { node, .. } => ("drain", node),
        ClusterAct::Cordon { node, .. } => ("cordon", node),
        _ => return false,
    };
    hanging.contains(verb) || hanging.contains(&format!("{verb} {node}"))
}

fn away() -> Failure {
    Failure::transient(UNREACHABLE, "the API server can't be reached: connection refused")
}

impl State {
    fn answer(&self, look: &ClusterLook) -> ClusterReply {
        match look {
            ClusterLook::Nodes | ClusterLook::NodesLately => {
                ClusterReply::Nodes(self.views.values().cloned().collect())
            }
            ClusterLook::Checkpoints { .. } => ClusterReply::Checkpoints(vec![]),
            ClusterLook::Interactive { .. } => ClusterReply::Interactive(vec![]),
            ClusterLook::Workloads => ClusterReply::Workloads {
                nodes: self.views.values().cloned().collect(),
                pods: self.work.pods(),
                gangs: self.gangs.clone(),
            },
            ClusterLook::Node { node } => ClusterReply::Node(self.views[node].clone()),
            ClusterLook::PodsToEvict { node, .. } => {
                let of = |pods: &BTreeMap<NodeName, Vec<String>>| pods.get(node).cloned().unwrap_or_default();
                let (mut evict, refused) = (of(&self.pods), of(&self.refused_pods));
                evict.extend(self.work.names_on(node));
                ClusterReply::Pods(EvictionView { evict, refused, ..EvictionView::default() })
            }
            ClusterLook::KubeadmConfig => ClusterReply::KubeadmConfig(KubeadmConfigView {
                resource_version: "1".into(),
                cluster_configuration: self.config.clone(),
                managers: vec![],
            }),
            ClusterLook::Addons => ClusterReply::Addons(AddonsView {
                kube_proxy: true,
                coredns: true,
                kube_proxy_version: self.kube_proxy,
                images: vec![],
                kube_proxy_rollout: Some(rolled_out(self.views.len())),
                coredns_rollout: Some(rolled_out(2)),
            }),
            ClusterLook::ProbeApiServers { endpoints } => {
                // The server of a machine that is gone does not answer.
                let gone = |e: &String| {
                    let own = |f: &NodeFacts| f.advertise.as_ref() == Some(e) && self.is_gone(&f.node);
                    self.facts.values().any(own)
                };
                let probe = |e: &String| {
                    let ok = !self.api_down && !gone(e);
                    let why = if ok { "" } else { "connection refused" };
                    ApiProbe { endpoint: e.clone(), ok, why: why.into() }
                };
                ClusterReply::Probes(endpoints.iter().map(probe).collect())
            }
            ClusterLook::KubeletConfig => ClusterReply::KubeletConfig(KubeletConfigView {
                resource_version: "1".into(),
                kubelet: self.kubelet_config.clone(),
                managers: vec![],
            }),
            ClusterLook::Hardware { node } => {
                let survey = podlift_engine::testing::survey::cluster_survey();
                ClusterReply::Hardware(survey.hardware.ok().and_then(|all| all.get(node).cloned()))
            }
            ClusterLook::Survey { .. } => {
                let mut survey = podlift_engine::testing::survey::cluster_survey();
                if let Ok(pods) = &mut survey.pods {
                    pods.extend(self.work.pods());
                }
                survey.gangs = self.gangs.clone();
                ClusterReply::Survey(Box::new(survey))
            }
            ClusterLook::Service { namespace, name } => {
                ClusterReply::Service(self.net.service(namespace, name))
            }
            ClusterLook::Secret { namespace, name } => ClusterReply::Secret(self.net.secret(namespace, name)),
            ClusterLook::Served { .. } => ClusterReply::Served(vec![]),
            ClusterLook::Calico => ClusterReply::Calico(self.calico.clone()),
            ClusterLook::Rollout { .. } => ClusterReply::Rollout(Some(rolled_out(1))),
            ClusterLook::KeptService { .. } | ClusterLook::Validation => {
                unreachable!("the coordinator answers this look itself")
            }
        }
    }

    fn change(&mut self, act: &ClusterAct, epoch: &Epoch) -> String {
        match act {
            ClusterAct::Cordon { node, run, .. } => {
                let owner = Owner { run: run.clone(), epoch: epoch.clone(), over: false };
                let view = self.views.get_mut(node).unwrap();
                (view.unschedulable, view.owner) = (true, Some(owner));
                self.changed(node.as_str(), "cordon")
            }
            ClusterAct::Uncordon { node, .. } => {
                let view = self.views.get_mut(node).unwrap();
                (view.unschedulable, view.owner) = (self.foreign.contains(node), None);
                self.work.place(&self.views);
                self.changed(node.as_str(), "uncordon")
            }
            ClusterAct::SoftTaint { node, run, .. } => {
                self.views.get_mut(node).unwrap().soft_taint = Some(run.clone());
                self.changed(node.as_str(), "soft-taint")
            }
            ClusterAct::SoftUntaint { node, run } => {
                let view = self.views.get_mut(node).unwrap();
                view.soft_taint.take_if(|owner| owner == run);
                self.changed(node.as_str(), "soft-untaint")
            }
            ClusterAct::Warn { node, .. } => self.changed(node.as_str(), "warn"),
            ClusterAct::Drain { node, .. } => {
                self.pods.remove(node);
                self.work.evict(node);
                self.work.place(&self.views);
                self.changed(node.as_str(), "drain")
            }
            ClusterAct::WriteKubeadmConfig { cluster_configuration, .. } => {
                self.config = cluster_configuration.clone();
                self.changed("cluster", "kubeadm-config")
            }
            ClusterAct::WriteKubeletConfig { kubelet, .. } => {
                self.kubelet_config = kubelet.clone();
                self.changed("cluster", "kubelet-config-map")
            }
            ClusterAct::RestartRollout { namespace, name, .. } => {
                self.changed(&format!("{namespace}/{name}"), "restart")
            }
            ClusterAct::RemoveOperator { .. } => self.changed("cluster", "remove-operator"),
            ClusterAct::RestoreService { .. } | ClusterAct::RestoreSecret { .. } => {
                unreachable!("it is created before")
            }
        }
    }

    fn changed(&mut self, on: &str, verb: &str) -> String {
        self.effects.push((on.into(), verb.into(), String::new()));
        format!("{verb} {on}")
    }
}

/// A rollout at its end.
fn rolled_out(pods: usize) -> RolloutView {
    let desired = pods as u32;
    RolloutView { observed: true, desired, updated: desired, available: desired, unready_nodes: vec![] }
}
