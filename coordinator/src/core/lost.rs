//! `podlift node lost`: a person states that a node won't come back. It leaves the open run, and the answer has the commands that remove
//! it from etcd and from the cluster; a person types them, because they can't be undone.

use super::{Coordinator, CoordinatorError};
use podlift_engine::machine::{Event, RunStatus};
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::facts::EtcdState;
use podlift_model::{Look, NodeName, OpOutput, RunId};

mod etcd;

use etcd::Member;

/// What is known of a node that is gone.
struct Gone {
    control_plane: bool,
    /// Its address; `None` if neither plan nor cluster has it.
    address: Option<String>,
    /// host:port of its API server; `None` for a worker, or if no plan has it.
    server: Option<String>,
}

impl Coordinator {
    pub(super) async fn node_lost(
        &self,
        run: Option<&RunId>,
        node: NodeName,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        if self.performer.agents.ledger(&node).is_some() {
            let why = "its agent is connected, and a node that answers can still be worked on or left out";
            let next = format!("podlift defer {node}");
            return Err(CoordinatorError::NotLost { node, why: why.into(), next });
        }
        let state = match self.commanded(run) {
            Ok(state) => Some(state),
            Err(CoordinatorError::NoRun) if run.is_none() => None,
            Err(error) => return Err(error),
        };
        if let Some(state) = state.as_ref().filter(|s| matches!(s.status, RunStatus::Aborting { .. })) {
            return Err(CoordinatorError::Aborting { run: state.run.clone() });
        }
        let gone = self.gone(&node).await?;
        if let Some(why) = self.alive(&node, &gone).await {
            let next = format!("ssh {node} systemctl status podlift-agent");
            return Err(CoordinatorError::NotLost { node, why, next });
        }
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
                server: advertise,
            });
        }
        let unknown = match self.performer.cluster.look(&ClusterLook::Node { node: node.clone() }).await {
            Ok(ClusterReply::Node(view)) => {
                let (control_plane, address) = (view.control_plane, view.internal_ip);
                return Ok(Gone { control_plane, address, server: None });
            }
            Ok(_) => CoordinatorError::UnknownNode { node: node.clone(), near: vec![], known: 0 },
            Err(failure) => failure.into(),
        };
        // A member of etcd may outlive its Node object.
        let member = |state: &EtcdState| state.members.iter().any(|m| m.name == node.as_str());
        match self.etcd_seen(node).await.state.as_ref().is_some_and(member) {
            true => Ok(Gone { control_plane: true, address: None, server: None }),
            false => Err(unknown),
        }
    }

    /// What shows that the machine is there although its agent is not: its kubelet, its API server, its member of etcd. A look that gets no
    /// answer shows nothing.
    async fn alive(&self, node: &NodeName, gone: &Gone) -> Option<String> {
        let cluster = &self.performer.cluster;
        if let Ok(ClusterReply::Node(view)) = cluster.look(&ClusterLook::Node { node: node.clone() }).await
            && view.ready
        {
            return Some(
                "its kubelet reports Ready; the API notices a machine that has stopped after about a minute"
                    .into(),
            );
        }
        if let Some(endpoint) = &gone.server {
            let look = ClusterLook::ProbeApiServers { endpoints: vec![endpoint.clone()] };
            if let Ok(ClusterReply::Probes(probes)) = cluster.look(&look).await
                && probes.iter().any(|probe| probe.ok)
            {
                return Some(format!("its API server answers at {endpoint}"));
            }
        }
        let seen = if gone.control_plane { self.etcd_seen(node).await.state } else { None };
        let member = Member { of: node, address: gone.address.as_deref() };
        let healthy = member.of_stores(seen.as_ref()?).find(|m| m.healthy)?;
        Some(format!("its member {} of etcd is healthy", healthy.name))
    }

    async fn commands(&self, node: &NodeName, gone: &Gone) -> Vec<String> {
        let mut out = Vec::new();
        if gone.control_plane {
            let member = Member { of: node, address: gone.address.as_deref() };
            out.extend(etcd::commands(&member, &self.etcd_seen(node).await));
        }
        out.push(format!("  kubectl delete node {node} --ignore-not-found"));
        out
    }

    /// etcd as another control-plane node sees it now, or where it is as the newest plan has it.
    async fn etcd_seen(&self, lost: &NodeName) -> etcd::Seen {
        let seen = self.performer.agents.seen();
        let connected = seen.iter().filter(|n| n.connected).map(|n| n.facts.as_ref());
        let planes = || connected.clone().filter(|f| f.node != *lost && !f.etcd_endpoints.is_empty());
        for facts in planes() {
            if let Ok(OpOutput::Etcd(state)) =
                self.performer.agents.observe(&facts.node, &Look::EtcdHealth).await
            {
                return etcd::Seen { from: Some(etcd::Place::of(facts)), state: Some(state) };
            }
        }
        let plan = self.store.newest().map(|s| s.plan.clone());
        let planned = plan.iter().flat_map(|p| p.inventory.control_planes()).filter_map(|n| n.facts.as_ref());
        let mut known = planes().chain(planned.filter(|f| f.node != *lost && !f.etcd_endpoints.is_empty()));
        etcd::Seen { from: known.next().map(etcd::Place::of), state: None }
    }
}
