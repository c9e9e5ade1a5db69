//! `podlift node lost`.

use crate::Context;
use crate::confirm::Question;
use crate::error::{CliError, Exit};
use podlift_client::Command;

const MEANS: &str = "A lost node leaves the run for good: no step of it is carried out any more, and the run ends without it. podlift removes \
                     neither its Node object nor its etcd member; its answer names the commands for that.";

/// Declare that a node won't come back, so that the run goes on without it.
///
/// This is for a machine that is gone, of any role. A node that comes back later is deferred instead (`podlift defer`). The answer names the
/// commands that remove its Node object and, on a control-plane node, its member of etcd. podlift asks first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift node lost runai-03
  podlift node lost dgx031 --yes   # does not ask")]
pub(crate) struct Lost {
    /// Node that is lost.
    node: podlift_model::NodeName,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Declare it without asking.
    #[arg(long)]
    yes: bool,
}

impl Lost {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let node = &self.node;
        let (not, without) = (format!("{node} was not declared lost"), context.confirmed());
        let question = Question { not: &not, means: MEANS, word: node.as_str(), without: &without };
        question.ask(self.yes)?;
        context.command(Command::NodeLost { run: self.run, node: self.node }).await?;
        Ok(Exit::Done)
    }
}
