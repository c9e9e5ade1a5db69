//! Ways to break the product by decorating one of its ports. Nothing of this is in the product: a release build has no switch for it.

mod agents;
mod cluster;
mod files;
mod holds;
mod ledger;

pub use files::Racing;

use podlift_agent::host::Host;
use podlift_agent::ledger::Ledger;
use podlift_coordinator::{Agents, Cluster, Command};
use podlift_engine::view::checks::SignOff;
use podlift_lab::World;
use podlift_model::{HostOp, OpOutcome};
use std::sync::Arc;

/// A safety taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// The agent's memory answers every op as unknown.
    LedgerOff,
    /// The agent takes orders of any epoch.
    EpochUnchecked,
    /// Packages are not held again after an installation.
    HoldNotRestored,
    /// An exit code of 0 counts as health.
    ExitCodeTrusted,
    /// A repaired manifest is put in place whatever is there now.
    CompareAndSwapOff,
    /// A cordon of another owner is taken for ours.
    CordonOwnerIgnored,
    /// A failed eviction counts as done.
    DrainFailureIgnored,
    /// The journal has an op's start only after its end.
    IntentAfterAct,
    /// The guard stays armed when the run says disarm.
    GuardDisarmedLate,
    /// A journal is believed without looking at its hashes.
    HashChainUnchecked,
    /// Controller manager and scheduler count as healthy without a look at them.
    ComponentsUnseen,
    /// A node's devices count as those of before without a look at them.
    DevicesUnasked,
    /// A step of a deferred node counts as passed.
    SkippedIsPassed,
    /// A run that waits for an approval continues on `resume`.
    ResumeApproves,
}

type WrapLedger = Box<dyn FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger> + Send>;

impl Sabotage {
    /// The agent's ports with this safety taken away.
    pub fn host(self, host: Host) -> Host {
        match self {
            Sabotage::HoldNotRestored => Host { commands: Arc::new(holds::NoHolds(host.commands)), ..host },
            _ => host,
        }
    }

    /// As `host`, where a race is already decorated: the swap without comparing must see the race as well.
    pub fn host_over(self, host: Host, race: &Arc<Racing>) -> Host {
        match self {
            Sabotage::CompareAndSwapOff => Host { files: Arc::new(files::NoSwapAfter(race.clone())), ..host },
            _ => host,
        }
    }

    pub fn ledger(self) -> Option<WrapLedger> {
        match self {
            Sabotage::LedgerOff => Some(Box::new(|inner| Arc::new(ledger::Forgetful(inner)))),
            Sabotage::EpochUnchecked => Some(Box::new(|inner| Arc::new(ledger::Unfenced(inner)))),
            _ => None,
        }
    }

    /// The coordinator's view of the agents.
    pub fn agents(self, inner: Arc<dyn Agents>) -> Arc<dyn Agents> {
        Arc::new(agents::Lying { inner, sabotage: self })
    }

    /// The coordinator's way to the cluster.
    pub fn cluster(self, inner: Arc<dyn Cluster>, world: &Arc<World>) -> Arc<dyn Cluster> {
        let lies =
            matches!(self, Self::CordonOwnerIgnored | Self::DevicesUnasked | Self::DrainFailureIgnored);
        if !lies {
            return inner;
        }
        Arc::new(cluster::Lying {
            inner,
            world: world.clone(),
            sabotage: self,
            owner: std::sync::Mutex::default(),
        })
    }

    /// The command that the coordinator gets instead of this one.
    pub fn command(self, command: Command) -> Command {
        match (self, command) {
            (Sabotage::ResumeApproves, Command::Resume) => Command::Approve,
            (_, command) => command,
        }
    }

    /// The sign-off as this report would have it.
    pub fn sign_off(self, mut lines: Vec<SignOff>) -> Vec<SignOff> {
        if self == Sabotage::SkippedIsPassed {
            lines.iter_mut().for_each(|line| line.result = "passed".into());
        }
        lines
    }

    /// The outcome that is reported without asking the agent.
    pub fn answer_for(self, op: &HostOp) -> Option<OpOutcome> {
        match (self, op) {
            (Sabotage::GuardDisarmedLate, HostOp::GuardDisarm { .. }) => Some(OpOutcome::changed("disarmed")),
            _ => None,
        }
    }
}
