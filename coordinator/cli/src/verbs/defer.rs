//! `podlift defer`.

use crate::Context;
use crate::confirm::Question;
use crate::error::{CliError, Exit};
use podlift_client::Command;
use podlift_engine::NodeRole;

/// Leave a node out of the run, and revert what the run has done to it where that is safe.
///
/// A drain of the node stops at once. A node that is not whole (not Ready, a kubelet of another version than its package, missing devices)
/// keeps its cordon; `podlift node release` ends it later. A run may end with deferred nodes, because kubelets may lag three minor versions. Status and report name them, and `podlift include`
/// takes a node into the run again. podlift asks first if the node is a control-plane node.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift defer dgx031 --reason \"GPU tray is being changed\"
  podlift defer runai-03 --yes                               # does not ask for a control-plane node either")]
pub(crate) struct Defer {
    /// Node to leave out.
    node: podlift_model::NodeName,
    /// Reason, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Defer a control-plane node without asking.
    #[arg(long)]
    yes: bool,
}

impl Defer {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        if self.is_control_plane(context).await? {
            let node = &self.node;
            let means = format!(
                "{node} is a control-plane node. Deferred, it stays at its version while the rest goes on, and its API server must not stay \
                 behind for long: no kubelet may be newer than an API server."
            );
            let without = format!("podlift defer {node} --yes");
            let not = format!("{node} was not deferred");
            Question { not: &not, means: &means, word: node.as_str(), without: &without }.ask(self.yes)?;
        }
        let command = Command::Defer { run: self.run, node: self.node, reason: self.reason };
        context.command(command).await?;
        Ok(Exit::Done)
    }

    async fn is_control_plane(&self, context: &Context) -> Result<bool, CliError> {
        let status = context.client().await?.status(self.run.clone(), String::new()).await?.view()?;
        let row = status.nodes.iter().find(|n| n.name == self.node);
        Ok(row.is_some_and(|n| n.role == NodeRole::ControlPlane))
    }
}
