//! Which etcd an API server keeps its objects in: what its flags name, and whose endpoints those are. Two API servers behind one address
//! with two stores are a split brain; it is remembered with who wrote the manifest that made it.

use super::etcd::{Etcd, Member};
use super::state::State;
use super::written::Writer;
use podlift_model::command::CommandLine;

/// As an API server's flags name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub endpoints: Vec<String>,
    pub prefix: String,
}

/// An API server began to serve another store than one beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub node: String,
    /// Id of the cluster and prefix.
    pub store: String,
    /// Of the others: node and store.
    pub others: Vec<(String, String)>,
    pub by: Writer,
}

impl Store {
    /// Of a container's words. A shell hides them: nothing is known then.
    pub fn of(words: &[String]) -> Self {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let line = CommandLine::read("kube-apiserver", &words).unwrap_or_default();
        let all = line.uses("etcd-servers").flat_map(|f| f.value.split(','));
        let endpoints = all.map(|e| e.trim().to_string()).filter(|e| !e.is_empty()).collect();
        let prefix = line.uses("etcd-prefix").last().map_or("/registry", |f| &f.value).to_string();
        Self { endpoints, prefix }
    }
}

impl State {
    /// The shape's own, and those that an administrator made beside it.
    pub fn etcds(&self) -> impl Iterator<Item = &Etcd> {
        std::iter::once(&self.etcd).chain(&self.more_etcds)
    }

    pub fn etcds_mut(&mut self) -> impl Iterator<Item = &mut Etcd> {
        std::iter::once(&mut self.etcd).chain(&mut self.more_etcds)
    }

    /// The member that serves an endpoint for a node, with its cluster.
    pub fn etcd_at(&self, endpoint: &str, asking: &str) -> Option<(&Etcd, &Member)> {
        self.etcds().find_map(|e| Some((e, e.member_at(endpoint, asking)?)))
    }

    /// The cluster that answers an API server of this node: that of the first endpoint which is up, as its client balances.
    pub fn etcd_of(&self, node: &str, store: &Store) -> Option<&Etcd> {
        let served = || store.endpoints.iter().filter_map(|p| self.etcd_at(p, node));
        served().find(|(_, m)| m.up).or_else(|| served().next()).map(|(e, _)| e)
    }

    /// Whether the store of this node's API server answers it.
    pub fn store_answers(&self, node: &str, store: &Store) -> bool {
        match self.etcd_of(node, store) {
            Some(etcd) => etcd.has_quorum(),
            None => self.etcd_elsewhere,
        }
    }

    /// What a node's API server serves from, in a word; `None` where it serves nothing.
    pub fn store_name(&self, node: &str) -> Option<String> {
        let server = self.node(node).container("kube-apiserver").filter(|c| c.running() && c.listening)?;
        let etcd = self.etcd_of(node, &server.store)?;
        Some(format!("{}{}", etcd.hex(), server.store.prefix))
    }

    /// A node's API server begins to serve: is it alone with its store?
    pub fn note_store(&mut self, node: &str) {
        let Some(mine) = self.store_name(node) else { return };
        let names: Vec<String> = self.nodes.keys().filter(|n| *n != node).cloned().collect();
        let stores = names.into_iter().filter_map(|n| self.store_name(&n).map(|s| (n, s)));
        let others: Vec<(String, String)> = stores.filter(|(_, s)| *s != mine).collect();
        if !others.is_empty() {
            let by = self.last_writer(node, "kube-apiserver.yaml");
            self.splits.push(Split { node: node.into(), store: mine, others, by });
        }
    }
}
