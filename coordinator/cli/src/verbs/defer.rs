//! `podlift defer`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_proto::v1::command_request::Verb;

/// Leave a node out of the run; what the run did to it that is safe to put back is put back.
///
/// A deferred node is a legal end: kubelets may lag three minor versions. Status and report name it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift defer dgx031 --reason \"GPU tray is being changed\"")]
pub(crate) struct Defer {
    node: podlift_model::NodeName,
    /// Why, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Another run than the open one.
    #[arg(long)]
    run: Option<String>,
}

impl Defer {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Defer, self.run, self.node.into(), self.reason).await?;
        Ok(Exit::Done)
    }
}
