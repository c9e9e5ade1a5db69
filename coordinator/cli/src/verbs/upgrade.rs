//! `podlift upgrade`: plan, show, ask, start exactly that plan, follow it.

use super::plan::{Target, ask};
use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::{Context, follow, render};
use podlift_engine::machine::RunState;
use podlift_engine::plan::Plan;
use podlift_engine::view;
use podlift_proto::v1::StartRunRequest;
use std::io::IsTerminal as _;

/// Upgrade the cluster: show the plan, start it, follow it. Ctrl-C leaves the run going.
///
/// Exactly the plan that was shown is started: where the cluster has changed meanwhile, nothing is. The exit code says how the run ended:
/// 0 succeeded, 4 paused with a reason, 1 aborted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift upgrade --to v1.32.9                       # shows the plan, asks, starts, follows
  podlift upgrade --to v1.32.9 --yes --detach        # starts without asking, prints the run's id
  podlift upgrade --to v1.32.9 --max-unavailable 8   # eight workers at a time")]
pub(crate) struct Upgrade {
    #[command(flatten)]
    target: Target,
    /// Start without asking.
    #[arg(long)]
    yes: bool,
    /// Start only if the plan made now has this hash (its beginning is enough).
    #[arg(long, value_name = "HASH")]
    expect_hash: Option<String>,
    /// Start, and do not follow.
    #[arg(long)]
    detach: bool,
}

impl Upgrade {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let terminal = std::io::stdin().is_terminal();
        if !self.yes && !terminal {
            let why = "stdin is no terminal, so nobody can be asked whether to start";
            return Err(CliError::usage("nothing was started", why, &self.again("--yes")));
        }
        let mut client = context.client().await?;
        let (plan, _) = ask(context, &mut client, &self.target).await?;
        out::narrate(&render::plan::plan(&plan, Screen::of_stderr()));
        self.check(&plan)?;
        if !self.yes && !confirmed(plan.cluster.as_str()) {
            return Err(CliError::failed("nothing was started", "the cluster's name was not typed"));
        }
        let request =
            StartRunRequest { plan: Some(self.target.request()), expect_hash: plan.hash.to_string() };
        let reply = client.start_run(request).await?.into_inner();
        out::narrate(&format!("run {} started", reply.run));
        if self.detach {
            out::data(&reply.run)?;
            return Ok(Exit::Done);
        }
        let state = follow::follow(context, client, &reply.run, 0).await?;
        if let Some(state) = &state {
            out::data(&end(context.format, state)?)?;
        }
        Ok(follow::exit(state.as_ref()))
    }

    fn check(&self, plan: &Plan) -> Result<(), CliError> {
        if let Some(wanted) =
            self.expect_hash.as_ref().filter(|h| !plan.hash.as_str().starts_with(h.as_str()))
        {
            let what = format!("the plan made now is {}, expected {wanted}", plan.hash.short());
            let why = "the cluster or the question has changed since; nothing was started";
            return Err(CliError::new(Exit::Failed, what, why, &self.plan()));
        }
        match plan.blockers().count() {
            0 => Ok(()),
            n => Err(CliError::new(
                Exit::Blocked,
                format!("{n} findings block this run"),
                "see above; nothing was changed",
                &self.plan(),
            )),
        }
    }

    fn plan(&self) -> String {
        format!("podlift plan --to {}", self.target.to)
    }

    fn again(&self, with: &str) -> String {
        format!("podlift upgrade --to {} {with}", self.target.to)
    }
}

/// The person types the cluster's name.
fn confirmed(cluster: &str) -> bool {
    out::narrate(&format!("Type the cluster's name ({cluster}) to start:"));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).is_ok() && line.trim() == cluster
}

/// The run's summary, as data.
fn end(format: Format, state: &RunState) -> Result<String, CliError> {
    let summary = view::status::summary(state);
    match format {
        Format::Table | Format::Wide => {
            let nodes = state.plan.inventory.nodes.len();
            Ok(format!(
                "run {}: {}, {} to {}, {nodes} nodes",
                summary.run, summary.status, summary.from, summary.to
            ))
        }
        Format::Json | Format::Yaml => {
            let value = serde_json::to_value(&summary)
                .map_err(|e| CliError::failed("the summary can't be written", e))?;
            out::value_text(format, &value)
        }
    }
}
