//! `podlift upgrade`.

use super::begin::{self, Starting};
use super::plan::ask;
use super::target::{self, Target};
use super::version;
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::{Client, Goal, Start};
use podlift_engine::program::{GoalName, Program};
use podlift_model::KubeVersion;
use std::path::PathBuf;

/// Upgrade the cluster: show the plan, start it, follow the run. The run continues after Ctrl-C.
///
/// podlift starts exactly the plan that it has shown or that the file contains. If the cluster has changed since, it starts nothing and
/// names the changes. The exit code gives the end of the run: 0 succeeded, 6 succeeded without workers that failed on the way and stay
/// cordoned, 4 paused with a reason, 1 aborted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift upgrade --to v1.32.9                       # shows the plan, asks, starts, follows
  podlift upgrade --to v1.32.9 --yes --detach        # starts without asking, prints the run's id
  podlift upgrade --to v1.32.9 --max-unavailable 8   # upgrades eight workers at a time
  podlift upgrade --resume-deferred                  # upgrades the nodes that were deferred
  podlift upgrade --to v1.32.9 --max-failed 5% --skip-unready   # goes on without a few workers that fail or are down
  podlift upgrade --to v1.32.9 --window \"22:00-06:00 Europe/Berlin\"   # begins nodes at night only
  podlift upgrade --plan plan.json --approve phase   # runs a saved plan and waits for an approval before each phase")]
pub(crate) struct Upgrade {
    /// Version to upgrade to, e.g. v1.32.9; with --resume-deferred that of the newest run by default.
    #[arg(long, value_name = "VERSION", required_unless_present_any = ["plan", "resume_deferred"])]
    to: Option<KubeVersion>,
    /// Only the nodes that earlier runs have deferred. A node that was deferred until a later time stays out; a plan
    /// with --node NODE in place of this option takes it earlier.
    #[arg(long, conflicts_with = "nodes")]
    resume_deferred: bool,
    #[command(flatten)]
    target: Target,
    /// Run the plan that `podlift plan -o json` wrote to this file, and refuse if the facts that it rests on have changed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "expect_hash", "resume_deferred"], conflicts_with_all = target::NAMES)]
    plan: Option<PathBuf>,
    #[command(flatten)]
    starting: Starting,
}

impl Upgrade {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        self.starting.can_be_asked(context)?;
        let file = self.plan.as_deref().map(|file| begin::read(file, GoalName::Upgrade)).transpose()?;
        let mut client = context.client().await?;
        let (plan, start) = match file {
            Some((plan, text)) => (plan, Start::Document(text)),
            None => self.made(&mut client).await?,
        };
        self.starting.begin(context, client, &plan, &start).await
    }

    /// Makes a plan.
    async fn made(&self, client: &mut Client) -> Result<(Program, Start), CliError> {
        let to = version::target(client, self.to).await?;
        let mut query = self.target.query(Goal::Upgrade { to });
        query.options.resume_deferred = self.resume_deferred;
        let plan = ask(client, &query).await?.view()?;
        Ok((plan, Start::Query(query)))
    }
}
