//! The start of a run, whatever its goal: shows the plan, asks, starts exactly this plan, and follows the run.

use crate::confirm::Question;
use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::typed::Typed;
use crate::{Context, follow, render};
use podlift_client::{Approval, Client, Position, Start};
use podlift_engine::machine::RunState;
use podlift_engine::program::{GoalName, Program};
use podlift_engine::view;
use std::path::Path;

/// Arguments of every command that starts a run.
#[derive(Debug, clap::Args)]
pub(super) struct Starting {
    /// Where the run pauses for `podlift approve`. As configured by default.
    #[arg(long, value_enum, value_name = "WHERE")]
    approve: Option<Approve>,
    /// Start without asking.
    #[arg(long)]
    yes: bool,
    /// Start only if the hash of the new plan begins with HASH.
    #[arg(long, value_name = "HASH")]
    expect_hash: Option<String>,
    /// Start the run without following it, and print its id.
    #[arg(long)]
    detach: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Approve {
    /// Nowhere: the start approves everything.
    All,
    /// Before each phase.
    Phase,
    /// Before each phase, and before each batch of its nodes.
    Batch,
}

impl From<Approve> for Approval {
    fn from(approve: Approve) -> Self {
        match approve {
            Approve::All => Self::All,
            Approve::Phase => Self::Phase,
            Approve::Batch => Self::Batch,
        }
    }
}

const NOT: &str = "nothing was started";

impl Starting {
    /// Refuses before the plan is made if nobody can be asked.
    pub fn can_be_asked(&self, context: &Context) -> Result<(), CliError> {
        let without = context.confirmed();
        Question { not: NOT, means: "", word: "", without: &without }.can_be_asked(self.yes)
    }

    pub async fn begin(
        self,
        context: &Context,
        mut client: Client,
        plan: &Program,
        start: &Start,
    ) -> Result<Exit, CliError> {
        out::narrate(&render::plan::plan(plan, false, Screen::of_stderr()));
        self.check(plan, &context.typed)?;
        let word = plan.cluster.as_str();
        Question { not: NOT, means: "", word, without: &context.confirmed() }.ask(self.yes)?;
        let run = client.start(start, plan.hash.to_string(), self.approve.map(Approval::from)).await?;
        out::narrate(&format!("run {run} started"));
        if self.detach {
            out::data(&run)?;
            return Ok(Exit::Done);
        }
        let state = follow::follow(context, client, Position { run, last: 0 }).await?;
        if let Some(state) = &state {
            out::data(&end(context.format, state)?)?;
        }
        Ok(follow::exit(state.as_ref()))
    }

    fn check(&self, plan: &Program, typed: &Typed) -> Result<(), CliError> {
        let again = typed.planned().unwrap_or_else(|| again(plan));
        if let Some(wanted) =
            self.expect_hash.as_ref().filter(|h| !plan.hash.as_str().starts_with(h.as_str()))
        {
            let what = format!("the new plan has hash {}, expected {wanted}", plan.hash.short());
            let why = "the cluster or the request has changed since; nothing was started";
            return Err(CliError::new(Exit::Blocked, what, why, &again));
        }
        match plan.blockers().count() {
            0 => Ok(()),
            n => Err(CliError::new(
                Exit::Blocked,
                format!(
                    "{} {} this run",
                    podlift_model::count(n, "finding"),
                    podlift_model::agree(n, "blocks", "block")
                ),
                "see above; nothing was changed",
                &again,
            )),
        }
    }
}

/// The command that shows a new plan of the same goal, for a plan from a file.
fn again(plan: &Program) -> String {
    match plan.goal.name() {
        GoalName::Upgrade => format!("podlift plan --to {}", plan.to()),
        GoalName::Repair => "podlift repair --plan".into(),
    }
}

/// Reads a plan of this goal from a file, and returns its text unchanged too. Both this function and the coordinator refuse a plan that was
/// edited, and a plan with another goal.
pub(super) fn read(file: &Path, goal: GoalName) -> Result<(Program, String), CliError> {
    let refused = |why: String| {
        let what = format!("{} is not a plan that can be run", file.display());
        CliError::usage(what, why, "podlift help plan")
    };
    let text = podlift_common::durable::read_to_string(file).map_err(|e| refused(e.to_string()))?;
    let plan = Program::from_json(&text).map_err(|e| refused(e.to_string()))?;
    if plan.goal.name() == goal {
        return Ok((plan, text));
    }
    let (is, next) = match plan.goal.name() {
        GoalName::Upgrade => ("an upgrade", format!("podlift upgrade --plan {}", file.display())),
        GoalName::Repair => ("a repair", format!("podlift repair --file {}", file.display())),
    };
    let what = format!("{} is the plan of {is}", file.display());
    Err(CliError::usage(what, "each goal has its own command; nothing was started", &next))
}

/// The run's summary, as data.
fn end(format: Format, state: &RunState) -> Result<String, CliError> {
    let summary = view::status::summary(state);
    match format {
        Format::Table | Format::Wide | Format::Html | Format::Junit => {
            let nodes = podlift_model::count(state.plan.inventory.nodes.len(), "node");
            let what = render::aim(summary.goal, summary.from, summary.to);
            let without = render::event::without(state);
            Ok(format!("run {}: {}, {what}, {nodes}{without}", summary.run, summary.status))
        }
        Format::Json | Format::Yaml => {
            let value = serde_json::to_value(&summary)
                .map_err(|e| CliError::failed("the summary can't be written", e))?;
            out::value_text(format, &value)
        }
    }
}
