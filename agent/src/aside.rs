//! The API server of this node steps aside: new connections of other hosts to its port are refused with a reset, so that a proxy or a
//! client takes another API server before this one stops. The node itself and connections that exist are not concerned.
//!
//! The kernel ends a refusal at its deadline, whether or not this agent lives (`podlift_tools::nft`). This module decides whether the node
//! may step aside, and removes a table whose deadline is over. Whatever prevents it is no failure: the upgrade goes on as it did before
//! such tables existed, and the reason is in the facts.

mod others;
mod repair;

pub(crate) use repair::Repair;

use crate::look::{address, alive};
use crate::node::Node;
use podlift_common::rhythm;
use podlift_model::facts::StepAside;
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::nft::{self, Refusal, Table};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a failed load of the table is a fact of the node: as long as a coordinator needs to see why the op changed nothing. A lock or a
/// lack of memory passes, and the next restart of the API server has to try again.
const REFUSED: Duration = Duration::from_secs(60);

/// What this agent remembers of the table.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// False if the table was seen to be absent since the agent's start or its last change.
    absent: AtomicBool,
    /// When `nft` last could not load the table, and why. It counts for `REFUSED` only.
    refused: Mutex<Option<(Instant, String)>>,
}

impl Aside {
    fn refused(&self) -> Option<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        refused.filter(|(at, _)| at.elapsed() < REFUSED).map(|(_, why)| why)
    }

    fn set_refused(&self, why: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why.map(|why| (Instant::now(), why));
    }
}

/// The state for the node's facts.
pub(crate) async fn state(node: &Node) -> StepAside {
    let impossible = |why: String| StepAside { active: None, impossible: Some(why) };
    let fixed = port(node).err();
    if node.is_worker() {
        return impossible(fixed.unwrap_or_default());
    }
    match nft::look(&node.host).await {
        Ok(Table::Refuses(aside)) => StepAside { active: Some(aside), impossible: fixed },
        Ok(Table::Absent | Table::Expired) => {
            StepAside { active: None, impossible: fixed.or_else(|| node.aside.refused()) }
        }
        Err(failure) => impossible(fixed.unwrap_or_else(|| said(&failure))),
    }
}

/// Steps aside for so long at most. If the node can't, the output says why, and nothing was changed.
pub(crate) async fn step_aside(node: &Node, seconds: u32, reason: &str) -> Result<OpOutput, Failure> {
    let without = |why: String| Ok(OpOutput::Unchanged(format!("not stepped aside: {why}")));
    let port = match able(node).await {
        Ok(port) => port,
        Err(why) => return without(why),
    };
    let until = node.host.clock.now() + Duration::from_secs(seconds.into());
    let refusal = Refusal { port, seconds, until, reason: reason.into() };
    node.aside.absent.store(false, Ordering::Relaxed);
    let loaded = nft::load(&node.host, &refusal).await;
    // Only the kernel knows whether a call that failed or was ended had its effect.
    match (nft::look(&node.host).await, loaded) {
        (Ok(Table::Refuses(_)), _) => {
            node.aside.set_refused(None);
            let line = format!("new connections of other hosts to port {port} are refused until {until:.0}");
            Ok(OpOutput::Changed(line))
        }
        (_, Err(failure)) => {
            node.aside.set_refused(Some(said(&failure)));
            without(said(&failure))
        }
        (Err(failure), Ok(())) => Err(failure),
        (Ok(Table::Absent | Table::Expired), Ok(())) => {
            let message = format!(
                "`nft` loaded the table {} without an error, and it refuses nothing; see `nft list table inet {0}`",
                nft::TABLE
            );
            Err(Failure::transient(codes::STEP_ASIDE_FAILED, message))
        }
    }
}

/// Lets connections in again.
pub(crate) async fn step_back(node: &Node) -> Result<OpOutput, Failure> {
    if is_absent(node).await? {
        return Ok(OpOutput::Unchanged("the node has not stepped aside".into()));
    }
    nft::remove(&node.host).await?;
    match is_absent(node).await? {
        true => Ok(OpOutput::Changed("connections of other hosts are let in again".into())),
        false => {
            let message = format!("the table inet {} is still there after its removal", nft::TABLE);
            Err(Failure::transient(codes::STEP_ASIDE_FAILED, message))
        }
    }
}

/// Whether podlift's table is absent; a node without `nft` can have none.
async fn is_absent(node: &Node) -> Result<bool, Failure> {
    let absent = match nft::look(&node.host).await {
        Ok(table) => table == Table::Absent,
        Err(failure) if failure.code == codes::COMMAND_MISSING => true,
        Err(failure) => return Err(failure),
    };
    node.aside.absent.store(absent, Ordering::Relaxed);
    Ok(absent)
}

/// Removes the table when its deadline is over: at the agent's start, and later while it is not known to be absent.
pub(crate) async fn keep(node: &Node) {
    if node.is_worker() {
        return;
    }
    loop {
        if !node.aside.absent.load(Ordering::Relaxed) {
            tidy(node).await;
        }
        sleep_until(rhythm::next(node.origin, Instant::now(), node.config.heal.check)).await;
    }
}

async fn tidy(node: &Node) {
    let done = match nft::look(&node.host).await {
        Ok(Table::Refuses(_)) => return,
        Ok(Table::Expired) => nft::remove(&node.host).await,
        Ok(Table::Absent) => Ok(()),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => node.aside.absent.store(true, Ordering::Relaxed),
        // Without nft there is no table, and a kernel without nftables has none either.
        Err(failure) => {
            tracing::debug!(why = said(&failure), "nft can't be asked for podlift's table");
            node.aside.absent.store(true, Ordering::Relaxed);
        }
    }
}

/// The port to refuse, or why this node may not step aside now.
async fn able(node: &Node) -> Result<u16, String> {
    let port = port(node)?;
    match others::serving(node).await {
        Ok(serving) if serving.len() < others::ENOUGH => Err(format!(
            "{} ({}), expected at least {}",
            others::serve(serving.len()),
            if serving.is_empty() { "none".into() } else { serving.join(", ") },
            others::ENOUGH
        )),
        Ok(_) => Ok(port),
        // The coordinator has asked the other nodes itself.
        Err(why) => {
            tracing::info!(why, "the other API servers can't be asked from here");
            Ok(port)
        }
    }
}

/// The API server's port, if the node's set-up allows it to step aside at all.
fn port(node: &Node) -> Result<u16, String> {
    if !node.config.ops.step_aside {
        return Err("switched off by ops.step_aside = false in agent.toml".into());
    }
    let manifest = alive::api_server(node).ok_or("no manifest of kube-apiserver that can be read")?;
    let endpoint = address::api_server(&manifest)?;
    let port = endpoint.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.ok_or_else(|| format!("the API server's endpoint {endpoint} has no port"))
}

/// A failure in a line, with the tool's last words.
fn said(failure: &Failure) -> String {
    let last = failure.detail.lines().map(str::trim).find(|line| !line.is_empty());
    last.map_or_else(|| failure.message.clone(), |last| format!("{} ({last})", failure.message))
}
