//! `podlift heal apply`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;
use podlift_model::NodeName;
use podlift_model::op::Component;

/// Make the repairs of a manifest that the heal only reports outside of a run. Its component restarts.
///
/// This also ends a fight with another writer and resets the budget of repairs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal apply runai-01 kube-apiserver    # one node at a time, because its API server restarts")]
pub(crate) struct Apply {
    /// Node with the manifest.
    node: NodeName,
    /// kube-apiserver, kube-controller-manager or kube-scheduler.
    component: Component,
}

impl Apply {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { node, component } = self;
        context.command(Command::HealApply { node, component }).await?;
        Ok(Exit::Done)
    }
}
