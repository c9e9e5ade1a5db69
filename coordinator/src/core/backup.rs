//! `podlift backup`: a set outside of any run, the list of sets, and the verification of one.

use super::history::History;
use super::{Coordinator, CoordinatorError};
use crate::backup::{OnProgress, Order, Progress, Verification, World};
use podlift_engine::machine::Event;
use podlift_engine::view::backups::{CHECK_SCHEMA, SCHEMA};
use podlift_engine::view::{BackupCheck, Backups};
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::{Failure, HostOp, NodeName, RunId, codes};

/// Prefix of the name under which an agent keeps a snapshot that belongs to no run.
const SNAPSHOT: &str = "backup-";

/// A person's request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupAsk {
    /// `None` makes a name from the time.
    pub name: Option<RunId>,
    /// Nodes that are left out although they belong to the cluster.
    pub without: Vec<NodeName>,
}

impl Coordinator {
    /// Makes a set, records its hash in the journal, and verifies the set. No run starts meanwhile.
    pub async fn backup(
        &self,
        ask: &BackupAsk,
        by: &str,
        progress: OnProgress,
    ) -> Result<BackupCheck, CoordinatorError> {
        self.may_command()?;
        let _one = self.starting.lock().await;
        self.beside_no_run("a backup")?;
        let name = match &ask.name {
            Some(name) => name.clone(),
            None => self.new_name(SNAPSHOT)?,
        };
        let backups = &self.performer.backups;
        // Agents delete old snapshots with this prefix, and never those of runs.
        let snapshot = match name.as_str().starts_with(SNAPSHOT) {
            true => name.clone(),
            false => RunId::new(format!("{SNAPSHOT}{name}"))?,
        };
        if self.store.knows(&name)
            || self.store.knows(&snapshot)
            || backups.list().await?.iter().any(|e| e.id == name.as_str() && !e.unfinished)
        {
            return Err(CoordinatorError::BackupExists { name: name.to_string() });
        }
        let (order, planes) = self.order(ask, (name.clone(), snapshot), by).await?;
        let planes = self.encrypting_first(planes);
        if !backups.settings().recipients.is_empty() || planes.iter().any(|(_, encrypts)| *encrypts) {
            self.snapshot(&order, &planes, by, &progress).await?;
        }
        let epoch = self.reading();
        let world = World {
            agents: self.performer.agents.as_ref(),
            cluster: self.performer.cluster.as_ref(),
            epoch: &epoch,
        };
        let made = backups
            .collect(&order, world, progress.clone())
            .await
            .map_err(CoordinatorError::BackupNotMade)?;
        let row = made.row();
        let event = Event::BackupMade {
            name: name.to_string(),
            sha256: made.sha256,
            by: by.into(),
            bytes: row.bytes,
        };
        self.store.append(None, event)?;
        self.verify_backup(Some(&name), progress).await
    }

    async fn order(
        &self,
        ask: &BackupAsk,
        (run, snapshot): (RunId, RunId),
        by: &str,
    ) -> Result<(Order, Vec<NodeName>), CoordinatorError> {
        let views = match self.performer.cluster.look(&ClusterLook::Nodes).await? {
            ClusterReply::Nodes(views) => views,
            _ => {
                return Err(
                    Failure::permanent(codes::ODD_REPLY, "the API's list of nodes can't be read").into()
                );
            }
        };
        if let Some(node) = ask.without.iter().find(|n| !views.iter().any(|v| v.name == **n)) {
            let near =
                podlift_engine::view::node::nearest(node.as_str(), views.iter().map(|v| v.name.as_str()));
            let near = near.into_iter().map(String::from).collect();
            return Err(CoordinatorError::UnknownNode { node: node.clone(), near, known: views.len() });
        }
        let of_set = |n: &NodeName| !ask.without.contains(n);
        let planes =
            views.iter().filter(|v| v.control_plane).map(|v| v.name.clone()).filter(of_set).collect();
        let nodes: Vec<NodeName> = views.into_iter().map(|v| v.name).filter(of_set).collect();
        let away: Vec<NodeName> =
            nodes.iter().filter(|n| self.performer.agents.ledger(n).is_none()).cloned().collect();
        if !away.is_empty() {
            return Err(CoordinatorError::BackupAgentsAway { away, without: ask.without.clone() });
        }
        let needed = self.store.open_run().map(|s| s.run.to_string()).into_iter().collect();
        let order = Order { run, snapshot, by: by.into(), nodes, without: ask.without.clone(), needed };
        Ok((order, planes))
    }

    /// Control-plane nodes by name, and whether their agents have recipients to encrypt to. Those that have come first.
    fn encrypting_first(&self, planes: Vec<NodeName>) -> Vec<(NodeName, bool)> {
        let seen = self.performer.agents.seen();
        let encrypts =
            |node: &NodeName| seen.iter().any(|n| n.facts.node == *node && !n.facts.recipients.is_empty());
        let mut all: Vec<_> = planes.into_iter().map(|n| (n.clone(), encrypts(&n))).collect();
        all.sort_by(|a, b| (!a.1, &a.0).cmp(&(!b.1, &b.0)));
        all
    }

    /// Makes the snapshot on the first control-plane node, as a run does.
    async fn snapshot(
        &self,
        order: &Order,
        planes: &[(NodeName, bool)],
        by: &str,
        progress: &OnProgress,
    ) -> Result<(), CoordinatorError> {
        let none =
            || Failure::operator(codes::AGENT_UNREACHABLE, "no agent of a control-plane node is connected");
        let (node, _) = planes.first().ok_or_else(none)?;
        progress(Progress { what: format!("etcd snapshot on {node}"), done: 0, total: 0 });
        let op = HostOp::EtcdSnapshot { run: order.snapshot.clone() };
        self.asked(node.clone(), op, by).await.map(drop)
    }

    pub async fn backups(&self) -> Result<Backups, CoordinatorError> {
        let entries = self.performer.backups.list().await?;
        Ok(Backups {
            schema: SCHEMA.into(),
            cluster: self.cluster_name.clone(),
            at: self.clock.now(),
            directory: self.backup_directory(),
            backups: entries.iter().map(crate::backup::listed).collect(),
        })
    }

    /// `None` means the newest.
    pub async fn verify_backup(
        &self,
        name: Option<&RunId>,
        progress: OnProgress,
    ) -> Result<BackupCheck, CoordinatorError> {
        let backups = &self.performer.backups;
        let name = match name {
            Some(name) => name.to_string(),
            None => {
                let all = backups.list().await?;
                let newest = all.into_iter().find(|e| !e.unfinished).map(|e| e.id);
                newest.ok_or(CoordinatorError::NoBackup { name: None })?
            }
        };
        let sealed = History(&self.store).sealed_as(&name)?;
        let journaled = sealed.is_some();
        let found: Option<Verification> = backups.verify(&name, sealed, progress).await?;
        let found = found.ok_or_else(|| CoordinatorError::NoBackup { name: Some(name) })?;
        Ok(BackupCheck {
            schema: CHECK_SCHEMA.into(),
            cluster: self.cluster_name.clone(),
            at: self.clock.now(),
            directory: self.backup_directory(),
            backup: found.row(),
            whole: found.problems.is_empty(),
            journaled,
            problems: found.problems(),
        })
    }

    fn backup_directory(&self) -> String {
        self.performer.backups.settings().directory.display().to_string()
    }
}
