//! Agents that are carried by this process: the real agent with real sessions over TLS, on the World's ports instead of files and
//! programs of its own. A machine can hold hundreds of agent processes, and thousands of carried agents.

use crate::world::World;
use anyhow::Context as _;
use async_trait::async_trait;
use podlift_agent::link::{Channel, GrpcLink, Link, LinkError};
use podlift_agent::{Agent, Config, Seams};
use podlift_common::tls::{Connector, Expect, Material};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Dropping it ends every agent, as SIGKILL would.
#[derive(Default)]
pub struct Carried {
    tasks: Mutex<JoinSet<()>>,
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
    pub fn start(&self, world: &Arc<World>, node: &str, root: &Path) -> anyhow::Result<()> {
        let path = root.join("etc/podlift/agent.toml");
        let config: Config = podlift_common::config::load(&path)?;
        let tls = |name: &str| root.join("etc/podlift/tls").join(name);
        let material = Material::load(&tls("ca.crt"), &tls("agent.crt"), &tls("agent.key"))?;
        let link = GrpcLink::new(config.coordinator, Connector::new(&material, Expect::Coordinator)?);
        let link = Counting { link, opened: self.opened.clone() };
        let agent = Agent::open_with(world.host(node), config, Seams::default());
        let agent = agent.with_context(|| format!("the agent of {node}"))?;
        let run = agent.run(Arc::new(link), CancellationToken::new());
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(run);
        Ok(())
    }

    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }
}
