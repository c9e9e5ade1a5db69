//! `podlift upgrade`: plan, show, ask, start exactly that plan, follow it.

use super::plan::{Target, made};
use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::{Context, follow, render};
use podlift_engine::machine::RunState;
use podlift_engine::plan::Plan;
use podlift_engine::view;
use podlift_proto::v1::StartRunRequest;
use std::io::IsTerminal as _;

/// Upgrade the cluster: show the plan, start it, follow it. Ctrl-C leaves the run going.
#[derive(Debug, clap::Args)]
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
            let text = "stdin is no terminal, so nobody can be asked whether to start";
            return Err(CliError::usage(text, "podlift upgrade --to VERSION --yes"));
        }
        let mut client = context.client().await?;
        let document = client.plan(self.target.request()).await?.into_inner();
        let plan = made(&document)?;
        let screen = Screen { width: None, ..Screen::of_stdout() };
        out::narrate(&render::plan::plan(&plan, screen));
        self.check(&plan)?;
        if !self.yes && !confirmed(plan.cluster.as_str()) {
            return Err(CliError::failed("the cluster's name was not typed: nothing was started"));
        }
        let request =
            StartRunRequest { plan: Some(self.target.request()), expect_hash: plan.hash.to_string() };
        let reply = client.start_run(request).await?.into_inner();
        out::narrate(&format!("run {} started", reply.run));
        if self.detach {
            out::data(&reply.run);
            return Ok(Exit::Done);
        }
        let state = follow::follow(context, client, &reply.run, 0).await?;
        if let Some(state) = &state {
            out::data(&end(context.format, state)?);
        }
        Ok(follow::exit(state.as_ref()))
    }

    fn check(&self, plan: &Plan) -> Result<(), CliError> {
        if let Some(wanted) =
            self.expect_hash.as_ref().filter(|h| !plan.hash.as_str().starts_with(h.as_str()))
        {
            let text = format!(
                "the plan made now is {}, expected {wanted}: the cluster or the question has changed since",
                plan.hash.short()
            );
            return Err(CliError::new(Exit::Failed, text, "podlift plan"));
        }
        match plan.blockers().count() {
            0 => Ok(()),
            n => Err(CliError::new(
                Exit::Blocked,
                format!("{n} findings block this run, see above; nothing was changed"),
                "podlift plan",
            )),
        }
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
        Format::Table => {
            let nodes = state.plan.inventory.nodes.len();
            Ok(format!(
                "run {}: {}, {} to {}, {nodes} nodes",
                summary.run, summary.status, summary.from, summary.to
            ))
        }
        _ => {
            let value = serde_json::to_value(&summary).map_err(|e| CliError::failed(e.to_string()))?;
            out::value_text(format, &value)
        }
    }
}
