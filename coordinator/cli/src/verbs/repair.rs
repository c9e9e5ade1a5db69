//! `podlift repair`.

use super::begin::{self, Starting};
use super::plan::{ask, shown};
use super::target::{self, Target};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::{Client, Goal, Start};
use podlift_engine::program::{GoalName, Program};
use std::path::PathBuf;

/// Repair what a heal, a comparison or a failed run has left, without an upgrade: kubeadm-config, kubelet-config and kubeadm's patches.
///
/// The versions stay as they are. The run first seals a backup, then brings the ConfigMaps and patches in line with what runs, and verifies
/// the whole fleet at its end. If nothing needs a repair, the plan says so and the run only verifies.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift repair --plan                        # changes nothing; shows what would be repaired
  podlift repair                               # shows the plan, asks, starts, follows
  podlift repair --yes --detach                # starts without asking, prints the run's id
  podlift repair --plan -o json > repair.json  # the document, with every step
  podlift repair --file repair.json            # runs a saved plan")]
pub(crate) struct Repair {
    /// Only show the plan. Exit code 3 means that a finding blocks the run.
    #[arg(long, conflicts_with_all = ["file", "approve", "yes", "expect_hash", "detach"])]
    plan: bool,
    #[command(flatten)]
    target: Target,
    /// Run the plan that `podlift repair --plan -o json` wrote to this file, and refuse if the facts that it rests on have changed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["expect_hash"], conflicts_with_all = target::NAMES)]
    file: Option<PathBuf>,
    #[command(flatten)]
    starting: Starting,
    /// Show all nodes and names; otherwise long tables are cut.
    #[arg(short, long)]
    verbose: bool,
}

impl Repair {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        if self.plan {
            let answer = ask(&mut context.client().await?, &self.target.query(Goal::Repair)).await?;
            return shown(context, &answer, self.verbose);
        }
        self.starting.can_be_asked(context)?;
        let file = self.file.as_deref().map(|file| begin::read(file, GoalName::Repair)).transpose()?;
        let mut client = context.client().await?;
        let (plan, start) = match file {
            Some((plan, text)) => (plan, Start::Repair(text)),
            None => self.made(&mut client).await?,
        };
        self.starting.begin(context, client, &plan, &start).await
    }

    /// Makes a plan.
    async fn made(&self, client: &mut Client) -> Result<(Program, Start), CliError> {
        let query = self.target.query(Goal::Repair);
        let plan = ask(client, &query).await?.view()?;
        Ok((plan, Start::Query(query)))
    }
}
