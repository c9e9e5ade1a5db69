//! `podlift heal`: state, history and changes of the agents' heal. The heal runs by itself; `accept` and `apply` give it a decision.

mod accept;
mod apply;
mod diff;
mod history;
mod status;

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use clap::Subcommand;
use podlift_engine::view::{self, HealAsk};

/// Show the heal of the static pod manifests, and accept or apply its findings.
///
/// Each agent watches its own manifests and repairs by itself a manifest that provably can't start. Other repairs wait for a run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal status            # mode, guard and open findings of each node
  podlift heal history runai-01
  podlift heal diff runai-01     # lines that the last heal of the node changed
  podlift heal accept runai-01 kube-apiserver    # the change is right
  podlift heal apply runai-01 kube-apiserver     # makes a repair that is only reported")]
pub(crate) struct Heal {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Status(status::Status),
    History(history::History),
    Diff(diff::Diff),
    Accept(accept::Accept),
    Apply(apply::Apply),
}

impl Heal {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self.what {
            What::Status(verb) => verb.run(context).await,
            What::History(verb) => verb.run(context).await,
            What::Diff(verb) => verb.run(context).await,
            What::Accept(verb) => verb.run(context).await,
            What::Apply(verb) => verb.run(context).await,
        }
    }
}

/// Asks, and shows the answer; `render` writes it for people.
async fn show(
    context: &Context,
    query: HealAsk,
    render: impl FnOnce(&view::Heal, Screen) -> String,
) -> Result<Exit, CliError> {
    let answer = context.client().await?.heal(query).await?;
    out::data(&context.shown(&answer, |heal| render(heal, Screen::of_stdout()))?)?;
    Ok(Exit::Done)
}
