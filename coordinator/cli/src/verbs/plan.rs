//! `podlift plan`.

use super::target::Target;
use super::version;
use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::progress::Progress;
use crate::{Context, render};
use podlift_client::{Answer, Client, Goal, PlanQuery};
use podlift_engine::program::Program;
use podlift_model::KubeVersion;

/// Show what an upgrade would do, what it would prevent and what blocks it. Changes nothing.
///
/// The coordinator looks at every node, at etcd, at the package repositories and at the cluster's objects, and computes what kubeadm would
/// remove. Exit code 3 means that a finding blocks the run. `podlift upgrade --plan` runs exactly the document that `-o json` prints.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift plan --to v1.32.9
  podlift plan --to v1.32.9 -v                            # shows every node and every name
  podlift plan --to v1.32.9 --waive flag-loss/runai-01/audit-log-maxsize=intended
  podlift plan --to v1.32.9 --node dgx030 --node dgx031   # plans these two nodes only
  podlift plan --to v1.32.9 --without dgx031 --without rack=r7 --skip-unready   # leaves out these nodes and what is down
  podlift plan --to v1.32.9 --max-unavailable 5%          # at most 5% of the workers at once
  podlift plan --to v1.32.9 --canary 2 --canary-soak 30m --grow   # two workers first, then batches that grow
  podlift plan --to v1.32.9 --window \"fri,sat 22:00-06:00 Europe/Berlin\"   # nodes begin in this window only
  podlift plan --resume-deferred                          # only the nodes that were deferred
  podlift plan --to v1.32.9 -o json > plan.json           # the document, with every step")]
pub(crate) struct Plan {
    /// Version to upgrade to, e.g. v1.32.9; with --resume-deferred that of the newest run by default.
    #[arg(long, value_name = "VERSION", required_unless_present = "resume_deferred")]
    to: Option<KubeVersion>,
    /// Only the nodes that earlier runs have deferred. A node that was deferred until a later time stays out; a plan
    /// with --node NODE in place of this option takes it earlier.
    #[arg(long, conflicts_with = "nodes")]
    resume_deferred: bool,
    #[command(flatten)]
    target: Target,
    /// Show all nodes and names; otherwise long tables are cut.
    #[arg(short, long)]
    verbose: bool,
}

const LOOKING: &str = "planning: looking at every node, etcd, the packages and the cluster's objects";

/// Asks for a plan and shows how far the looks are. That takes as long as the slowest node.
pub(super) async fn ask(client: &mut Client, query: &PlanQuery) -> Result<Answer<Program>, CliError> {
    let progress = Progress::waiting(LOOKING);
    Ok(client.plan(query, |p| progress.look(&p)).await?)
}

impl Plan {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let to = version::target(&mut client, self.to).await?;
        let mut query = self.target.query(Goal::Upgrade { to });
        query.options.resume_deferred = self.resume_deferred;
        let answer = ask(&mut client, &query).await?;
        shown(context, &answer, self.verbose)
    }
}

/// Prints the plan. The exit code tells whether a finding blocks it.
pub(super) fn shown(context: &Context, answer: &Answer<Program>, all: bool) -> Result<Exit, CliError> {
    let render = |plan: &Program| render::plan::plan(plan, all, Screen::of_stdout());
    out::data(&context.shown(answer, render)?)?;
    let blocked = answer.view()?.blockers().next().is_some();
    Ok(if blocked { Exit::Blocked } else { Exit::Done })
}
