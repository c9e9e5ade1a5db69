//! `podlift heal accept`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;
use podlift_model::op::Component;
use podlift_model::{Digest, NodeName};

/// Declare that a changed manifest is right. The heal expects it from now on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal accept runai-01 kube-apiserver    # the manifest that `podlift heal status runai-01` shows")]
pub(crate) struct Accept {
    /// Node with the manifest.
    node: NodeName,
    /// kube-apiserver, kube-controller-manager or kube-scheduler.
    component: Component,
    /// Accept only if the manifest has this hash; by default the hash that `podlift heal status` shows now.
    #[arg(long, value_name = "SHA256", value_parser = hash)]
    sha256: Option<Digest>,
}

fn hash(text: &str) -> Result<Digest, String> {
    Digest::try_from(text.to_string())
}

impl Accept {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { node, component, sha256 } = self;
        context.command(Command::HealAccept { node, component, sha256 }).await?;
        Ok(Exit::Done)
    }
}
