//! Makes a set: collects the cluster's objects, each node's files and the snapshot concurrently, seals the set, and then removes old sets.

use super::member::blocking;
use super::paths::Role;
use super::{
    Backups, Collection, OnProgress, Order, SealedSet, World, failure, node_files, objects, snapshot,
};
use crate::dispatch::UNREACHABLE;
use futures_util::future::FutureExt as _;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use podlift_backup::{About, Wanted, Writer};
use podlift_engine::doors::NodeView;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::op::Component;
use podlift_model::{Failure, KubeVersion, NodeFacts, NodeName};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Agents that are asked concurrently.
const AT_ONCE: usize = 32;
/// Names listed in a message.
const SHOWN: usize = 5;

impl Backups {
    /// Makes the set of an order. If a sealed set of that name exists, it is verified and returned.
    pub async fn collect(
        &self,
        order: &Order,
        world: World<'_>,
        progress: OnProgress,
    ) -> Result<SealedSet, Failure> {
        let _one = self.making.lock().await;
        let id = order.run.to_string();
        if let Some(made) = self.sealed(&id, None).await? {
            return Ok(made);
        }
        let made = self.attempt(order, world, progress).await?;
        self.let_go(order).await?;
        Ok(made)
    }

    /// Makes one attempt. What exists of it is removed if it fails or if its caller goes away.
    async fn attempt(
        &self,
        order: &Order,
        world: World<'_>,
        progress: OnProgress,
    ) -> Result<SealedSet, Failure> {
        let (root, recipients, id) = (self.root(), self.settings.recipients.clone(), order.run.to_string());
        let writer = Arc::new(blocking(move || Writer::create(&root, &id, recipients)).await?);
        let mut begun = Attempt(Some(writer.clone()));
        let made = self.make(order, world, writer, progress).await;
        let attempt = begun.0.take();
        if made.is_err() {
            blocking(move || {
                drop(Attempt(attempt));
                Ok(())
            })
            .await?;
        }
        made
    }

    async fn make(
        &self,
        order: &Order,
        world: World<'_>,
        writer: Arc<Writer>,
        progress: OnProgress,
    ) -> Result<SealedSet, Failure> {
        let roles = roles(&world, order).await?;
        let version = version(&world, &roles.views);
        for role in &roles.without {
            for what in role.wanted(&[]) {
                writer.leave_out(what, "the operator left this node out");
            }
        }
        let total = u32::try_from(roles.nodes.len()).unwrap_or(u32::MAX);
        let snapshot = order.snapshot.clone();
        let m = Collection {
            world,
            settings: &self.settings,
            writer: writer.clone(),
            snapshot,
            progress,
            done: AtomicU32::new(0),
            total,
        };
        let planes: Vec<&Role> = roles.nodes.iter().filter(|r| r.control_plane).collect();
        let (of_nodes, (revision, etcd), ()) =
            tokio::try_join!(nodes(&m, &roles.nodes), snapshot::collect(&m, &planes), objects::collect(&m))?;
        let of_cluster = objects::KINDS.map(|kind| Wanted { kind, node: None });
        let wanted = of_nodes.into_iter().chain([etcd]).chain(of_cluster).collect();
        let (cluster, by) = (self.cluster.clone(), order.by.clone());
        let about = About { cluster, by, version: version?, revision, wanted };
        let now = self.clock.now();
        let (manifest, sha256) = blocking(move || writer.seal(about, now)).await?;
        Ok(SealedSet { manifest, sha256 })
    }

    /// Removes old sets. A failure here does not affect the sealed set.
    async fn let_go(&self, order: &Order) -> Result<(), Failure> {
        let (root, keep) = (self.root(), self.settings.keep.get() as usize);
        let needed: Vec<String> = order.needed.iter().cloned().chain([order.run.to_string()]).collect();
        let gone = blocking(move || {
            let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
            Ok(podlift_backup::retain(&root, keep, &needed))
        })
        .await?;
        match gone {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!(sets = gone.join(", "), "old backups removed"),
            Err(error) => tracing::warn!(%error, "old backups could not be removed"),
        }
        Ok(())
    }
}

/// A set that has no name yet. Dropping it ends its late writes, so that none reaches the next attempt.
struct Attempt(Option<Arc<Writer>>);

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(writer) = self.0.take() {
            writer.give_up();
        }
    }
}

async fn nodes(m: &Collection<'_>, roles: &[Role]) -> Result<Vec<Wanted>, Failure> {
    let one = |role| async move {
        let wanted = node_files::collect(m, role).await?;
        m.one_more("nodes");
        Ok::<_, Failure>(wanted)
    };
    let all: Vec<_> = roles.iter().map(|role| one(role).boxed()).collect();
    futures_util::stream::iter(all).buffer_unordered(AT_ONCE).try_concat().await
}

struct Roles {
    views: Vec<NodeView>,
    nodes: Vec<Role>,
    without: Vec<Role>,
}

/// The role of each node of the order. Requires that all of their agents are connected.
async fn roles(world: &World<'_>, order: &Order) -> Result<Roles, Failure> {
    let views = match world.cluster.look(&ClusterLook::Nodes).await? {
        ClusterReply::Nodes(views) => views,
        _ => return Err(failure::incomplete("the API's list of nodes can't be read")),
    };
    let away: Vec<&str> =
        order.nodes.iter().filter(|n| world.agents.ledger(n).is_none()).map(NodeName::as_str).collect();
    if !away.is_empty() {
        let more =
            if away.len() > SHOWN { format!(" and {} more", away.len() - SHOWN) } else { String::new() };
        let named = away.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        let text = format!("no agent of {named}{more} is connected: the set would lack their files");
        return Err(Failure::transient(UNREACHABLE, text));
    }
    let facts: BTreeMap<NodeName, Arc<NodeFacts>> =
        world.agents.seen().into_iter().map(|n| (n.facts.node.clone(), n.facts)).collect();
    let role = |node: &NodeName| {
        let control_plane = views.iter().any(|v| v.name == *node && v.control_plane);
        Role::of(node, control_plane, facts.get(node).map(Arc::as_ref))
    };
    let (nodes, without) = (order.nodes.iter().map(role).collect(), order.without.iter().map(role).collect());
    Ok(Roles { nodes, without, views })
}

/// The version of the cluster: that of its oldest API server.
fn version(world: &World<'_>, views: &[NodeView]) -> Result<KubeVersion, Failure> {
    let seen = world.agents.seen();
    let plane = |node: &NodeName| views.iter().any(|v| v.name == *node && v.control_plane);
    let planes = seen.iter().filter(|n| plane(&n.facts.node));
    let servers = planes.flat_map(|n| &n.facts.manifests).filter(|m| m.component == Component::KubeApiserver);
    let oldest = servers.filter_map(|m| m.version).min();
    let kubelets = views.iter().filter(|v| v.control_plane).filter_map(|v| v.kubelet).min();
    oldest.or(kubelets).ok_or_else(|| failure::incomplete("no node tells which Kubernetes it runs"))
}
