//! `podlift repair`.

use super::begin::{self, Starting};
use super::plan::{ask, shown};
use super::target::{self, Target};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::{Client, Goal, PlanQuery, Start};
use podlift_engine::issues::IssueName;
use podlift_engine::program::{GoalName, Program};
use std::path::PathBuf;

/// Repair what a heal, a comparison or a failed run has left, without an upgrade: kubeadm's configuration, and the known issues.
///
/// The versions stay as they are. The run first seals a backup, then brings kubeadm-config, kubelet-config and kubeadm's patches in line with
/// what runs, restores services and TLS secrets that are gone, and verifies and validates the whole cluster at its end. With --issue it
/// repairs these issues alone. If nothing needs a repair, the plan says so and the run only verifies. `podlift issues` explains each issue.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift repair --plan                        # changes nothing; shows what would be repaired
  podlift repair                               # shows the plan, asks, starts, follows
  podlift repair --yes --detach                # starts without asking, prints the run's id
  podlift repair --issue load-balancers --issue ingress-tls
  podlift repair --plan -o json > repair.json  # the document, with every step
  podlift repair --file repair.json            # runs a saved plan")]
pub(crate) struct Repair {
    /// Only show the plan. Exit code 3 means that a finding blocks the run.
    #[arg(long, conflicts_with_all = ["file", "approve", "yes", "expect_hash", "detach"])]
    plan: bool,
    /// Repair this issue alone; may be repeated. All by default.
    #[arg(long = "issue", value_name = "ISSUE", value_parser = super::issues::names())]
    issues: Vec<IssueName>,
    #[command(flatten)]
    target: Target,
    /// Run the plan that `podlift repair --plan -o json` wrote to this file, and refuse if the facts that it rests on have changed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["expect_hash", "issues"], conflicts_with_all = target::NAMES)]
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
            let answer = ask(&mut context.client().await?, &self.query()).await?;
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

    fn query(&self) -> PlanQuery {
        PlanQuery { issues: self.issues.clone(), ..self.target.query(Goal::Repair) }
    }

    /// Makes a plan.
    async fn made(&self, client: &mut Client) -> Result<(Program, Start), CliError> {
        let query = self.query();
        let plan = ask(client, &query).await?.view()?;
        Ok((plan, Start::Query(query)))
    }
}
