//! Agents that are carried by this process: the real agent with real sessions over TLS, on the World's ports instead of files and
//! programs of its own. A machine can hold hundreds of agent processes, and thousands of carried agents.

use crate::world::World;
use anyhow::Context as _;
use async_trait::async_trait;
use podlift_agent::link::{Channel, GrpcLink, Link, LinkError};
use podlift_agent::{Agent, Config, Seams};
use podlift_common::tls::{Connector, Expect, Material};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Whose agent is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carry {
    /// Every agent is a process of its own.
    #[default]
    None,
    Workers,
    All,
}

impl Carry {
    pub fn nodes(self, shape: &crate::world::Shape) -> BTreeSet<String> {
        match self {
            Carry::None => BTreeSet::new(),
            Carry::Workers => shape.workers.iter().cloned().collect(),
            Carry::All => shape.nodes().cloned().collect(),
        }
    }
}

/// Dropping it ends every agent, as SIGKILL would.
#[derive(Default)]
pub struct Carried {
    tasks: JoinSet<()>,
    agents: BTreeMap<String, AbortHandle>,
    opened: Arc<AtomicU64>,
}

/// Counts the sessions that were opened.
struct Counting {
    link: GrpcLink,
    opened: Arc<AtomicU64>,
}

#[async_trait]
impl Link for Counting {
    async fn open(&self) -> Result<Channel, LinkError> {
        let channel = self.link.open().await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(channel)
    }
}

impl Carried {
    /// Starts the agent of a node; `root` has its configuration and certificates.
    pub fn start(&mut self, world: &Arc<World>, node: &str, root: &Path) -> anyhow::Result<()> {
        let path = root.join("etc/podlift/agent.toml");
        let config: Config = podlift_common::config::load(&path)?;
        let tls = |name: &str| root.join("etc/podlift/tls").join(name);
        let material = Material::load(&tls("ca.crt"), &tls("agent.crt"), &tls("agent.key"))?;
        let link = GrpcLink::new(config.coordinator, Connector::new(&material, Expect::Coordinator)?);
        let link = Counting { link, opened: self.opened.clone() };
        let agent = Agent::open_with(world.host(node), config, Seams::default());
        let agent = agent.with_context(|| format!("the agent of {node}"))?;
        let run = agent.run(Arc::new(link), CancellationToken::new());
        self.agents.insert(node.into(), self.tasks.spawn(run));
        Ok(())
    }

    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// True: it was ours.
    pub fn kill(&mut self, node: &str) -> bool {
        self.agents.remove(node).is_some_and(|agent| {
            agent.abort();
            true
        })
    }
}
