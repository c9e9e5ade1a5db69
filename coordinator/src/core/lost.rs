//! `podlift node lost`: a person states that a node won't come back. It leaves the open run, and the answer has the commands that remove
//! it from etcd and from the cluster; a person types them, because they can't be undone.

use super::{Coordinator, CoordinatorError};
use podlift_engine::machine::Event;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::facts::EtcdState;
use podlift_model::{Look, NodeName, OpOutput, RunId};

const PKI: &str = "--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key";

/// What is known of a node that is gone.
struct Gone {
    control_plane: bool,
    /// Its address; `None` if neither plan nor cluster has it.
    address: Option<String>,
}

impl Coordinator {
    pub(super) async fn node_lost(
        &self,
        run: Option<&RunId>,
        node: NodeName,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        if self.performer.agents.ledger(&node).is_some() {
            return Err(CoordinatorError::NotLost { node });
        }
        let state = match self.commanded(run) {
            Ok(state) => Some(state),
            Err(CoordinatorError::NoRun) if run.is_none() => None,
            Err(error) => return Err(error),
        };
        let gone = self.gone(&node).await?;
        let commands = self.commands(&node, &gone).await;
        let said = match state.filter(|s| s.plan.inventory.get(&node).is_some()) {
            None => format!("no open run has {node}, so nothing was recorded"),
            Some(state) => {
                self.store.append(Some(&state.run), Event::NodeLost { node: node.clone(), by: by.into() })?;
                format!("node {node} has left run {}", state.run)
            }
        };
        Ok(format!("{said}. To remove it from the cluster:\n{}", commands.join("\n")))
    }

    /// From the newest run's plan, else from the cluster.
    async fn gone(&self, node: &NodeName) -> Result<Gone, CoordinatorError> {
        if let Some(entry) = self.store.newest().and_then(|s| s.plan.inventory.get(node).cloned()) {
            let advertise = entry.facts.as_ref().and_then(|f| f.advertise.clone());
            let address =
                advertise.as_deref().and_then(|a| a.rsplit_once(':')).map(|(host, _)| host.to_string());
            return Ok(Gone {
                control_plane: entry.view.control_plane,
                address: address.or(entry.view.internal_ip),
            });
        }
        match self.performer.cluster.look(&ClusterLook::Node { node: node.clone() }).await? {
            ClusterReply::Node(view) => {
                Ok(Gone { control_plane: view.control_plane, address: view.internal_ip })
            }
            _ => Err(CoordinatorError::UnknownNode { node: node.clone(), near: vec![], known: 0 }),
        }
    }

    async fn commands(&self, node: &NodeName, gone: &Gone) -> Vec<String> {
        let mut out = Vec::new();
        if gone.control_plane {
            out.extend(self.etcd_commands(node, gone).await);
        }
        out.push(format!("  kubectl delete node {node}"));
        out
    }

    /// One command for each store of which the node is a member.
    async fn etcd_commands(&self, node: &NodeName, gone: &Gone) -> Vec<String> {
        let Some((on, state)) = self.etcd(node).await else {
            let list = format!("  etcdctl {PKI} --endpoints=https://127.0.0.1:2379 member list");
            return vec![format!(
                "{list}   (on another control-plane node; then `member remove ID` with the id of {node}: no agent could be asked for it)"
            )];
        };
        let overrides = state.overrides.values().filter_map(|store| store.as_ref().ok());
        let stores = [&state].into_iter().chain(overrides);
        let commands: Vec<String> = stores.filter_map(|store| removal(store, node, gone, &on)).collect();
        match commands.is_empty() {
            true => vec![format!("  (etcd has no member of {node}; seen from {on})")],
            false => commands,
        }
    }

    /// What another control-plane node sees of etcd.
    async fn etcd(&self, lost: &NodeName) -> Option<(NodeName, EtcdState)> {
        let seen = self.performer.agents.seen();
        let planes = seen.iter().filter(|n| n.connected && !n.facts.etcd_endpoints.is_empty());
        for node in planes.map(|n| &n.facts.node).filter(|n| *n != lost) {
            if let Ok(OpOutput::Etcd(state)) = self.performer.agents.observe(node, &Look::EtcdHealth).await {
                return Some((node.clone(), state));
            }
        }
        None
    }
}

/// The command that removes the node's member of this store, by an endpoint of a healthy member.
fn removal(store: &EtcdState, node: &NodeName, gone: &Gone, on: &NodeName) -> Option<String> {
    let host = |endpoint: &str| {
        endpoint.split("//").last().and_then(|x| x.rsplit_once(':')).map(|(h, _)| h.to_string())
    };
    let mine = |name: &str, endpoint: &str| {
        name == node.as_str() || (gone.address.is_some() && host(endpoint) == gone.address)
    };
    let member = store.members.iter().find(|m| mine(&m.name, &m.endpoint))?;
    let other = store.members.iter().find(|m| m.healthy && m.endpoint != member.endpoint)?;
    let unknown = || format!("ID   (the id of {} in `member list`)", member.name);
    let id = member.id.clone().unwrap_or_else(unknown);
    Some(format!("  etcdctl {PKI} --endpoints={} member remove {id}   (on {on})", other.endpoint))
}
