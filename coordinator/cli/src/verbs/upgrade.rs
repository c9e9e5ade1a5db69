//! `podlift upgrade`: makes a plan, shows it, asks, starts exactly that plan, and follows the run.

use super::plan::{Target, ask};
use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::{Context, follow, render};
use podlift_client::{Approval, Client, Position, Start};
use podlift_engine::machine::RunState;
use podlift_engine::program::Program;
use podlift_engine::view;
use podlift_model::KubeVersion;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// Upgrade the cluster: show the plan, start it, follow the run. The run continues after Ctrl-C.
///
/// podlift starts exactly the plan that it has shown or that the file contains. If the cluster has changed since, it starts nothing and
/// names the changes. The exit code gives the end of the run: 0 succeeded, 4 paused with a reason, 1 aborted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift upgrade --to v1.32.9                       # shows the plan, asks, starts, follows
  podlift upgrade --to v1.32.9 --yes --detach        # starts without asking, prints the run's id
  podlift upgrade --to v1.32.9 --max-unavailable 8   # upgrades eight workers at a time
  podlift upgrade --plan plan.json --approve phase   # runs a saved plan and waits for an approval before each phase")]
pub(crate) struct Upgrade {
    /// Version to upgrade to, e.g. v1.32.9.
    #[arg(long, value_name = "VERSION", required_unless_present = "plan")]
    to: Option<KubeVersion>,
    #[command(flatten)]
    target: Target,
    /// Run the plan that `podlift plan -o json` wrote to this file, and refuse if the facts that it rests on have changed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "max_unavailable", "nodes", "waivers", "expect_hash"])]
    plan: Option<PathBuf>,
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

impl Upgrade {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let terminal = std::io::stdin().is_terminal();
        if !self.yes && !terminal {
            let why = "stdin is no terminal, so podlift can't ask whether to start";
            return Err(CliError::usage("nothing was started", why, &self.again("--yes")));
        }
        let file = self.plan.as_deref().map(read).transpose()?;
        let mut client = context.client().await?;
        let (plan, start) = match file {
            Some((plan, text)) => (plan, Start::Document(text)),
            None => self.made(&mut client).await?,
        };
        out::narrate(&render::plan::plan(&plan, false, Screen::of_stderr()));
        self.check(&plan)?;
        if !self.yes && !confirmed(plan.cluster.as_str()) {
            return Err(CliError::failed("nothing was started", "the cluster's name was not typed"));
        }
        let run = client.start(&start, plan.hash.to_string(), self.approve.map(Approval::from)).await?;
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

    /// Makes a plan.
    async fn made(&self, client: &mut Client) -> Result<(Program, Start), CliError> {
        // clap has refused a line with neither --to nor --plan.
        let Some(to) = self.to else {
            return Err(CliError::usage(
                "nothing was started",
                "no version was given",
                "podlift help upgrade",
            ));
        };
        let query = self.target.query(to);
        let plan = ask(client, &query).await?.view()?;
        Ok((plan, Start::Query(query)))
    }

    fn check(&self, plan: &Program) -> Result<(), CliError> {
        if let Some(wanted) =
            self.expect_hash.as_ref().filter(|h| !plan.hash.as_str().starts_with(h.as_str()))
        {
            let what = format!("the new plan has hash {}, expected {wanted}", plan.hash.short());
            let why = "the cluster or the request has changed since; nothing was started";
            return Err(CliError::new(Exit::Blocked, what, why, &again(plan)));
        }
        match plan.blockers().count() {
            0 => Ok(()),
            n => Err(CliError::new(
                Exit::Blocked,
                format!("{n} findings block this run"),
                "see above; nothing was changed",
                &again(plan),
            )),
        }
    }

    fn again(&self, with: &str) -> String {
        match (&self.plan, self.to) {
            (Some(file), _) => format!("podlift upgrade --plan {} {with}", file.display()),
            (None, Some(to)) => format!("podlift upgrade --to {to} {with}"),
            (None, None) => "podlift help upgrade".into(),
        }
    }
}

fn again(plan: &Program) -> String {
    format!("podlift plan --to {}", plan.to())
}

/// Reads a plan from a file, and returns its text unchanged too. Both this function and the coordinator refuse a plan that was edited.
fn read(file: &Path) -> Result<(Program, String), CliError> {
    let refused = |why: String| {
        let what = format!("{} is not a plan that can be run", file.display());
        CliError::usage(what, why, "podlift help plan")
    };
    let text = podlift_common::durable::read_to_string(file).map_err(|e| refused(e.to_string()))?;
    let plan = Program::from_json(&text).map_err(|e| refused(e.to_string()))?;
    Ok((plan, text))
}

/// Whether the person has typed the cluster's name.
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
