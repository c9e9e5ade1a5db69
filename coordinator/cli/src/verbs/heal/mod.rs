//! `podlift heal`: what the agents' heal does, what it did, and what it changed. It goes on by itself; two verbs tell it more.

mod accept;
mod apply;
mod diff;
mod history;
mod status;

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use clap::Subcommand;
use podlift_engine::view::{self, heal};
use podlift_proto::v1::HealRequest;

/// Show what keeps the static pod manifests whole, and what it did.
///
/// Each agent watches its own manifests and puts right by itself what provably can't start; other repairs wait for a run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal status            # mode, guard and open findings of each node
  podlift heal history runai-01
  podlift heal diff runai-01     # what the last heal there changed
  podlift heal accept runai-01 kube-apiserver    # a change that is right
  podlift heal apply runai-01 kube-apiserver     # a repair that is only reported")]
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

/// Asks, and shows the answer as `people` like it.
async fn show(
    context: &Context,
    request: HealRequest,
    people: impl FnOnce(&view::Heal, Screen) -> String,
) -> Result<Exit, CliError> {
    let document = context.client().await?.heal(request).await?.into_inner();
    out::data(&context.shown(heal::SCHEMA, &document, |seen| people(seen, Screen::of_stdout()))?)?;
    Ok(Exit::Done)
}
