//! `podlift upgrade`: plan, show, ask, start exactly that plan, follow it.

use super::plan::{Target, ask};
use crate::client::Client;
use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::{Context, follow, render};
use podlift_engine::machine::RunState;
use podlift_engine::program::Program;
use podlift_engine::view;
use podlift_model::KubeVersion;
use podlift_proto::v1::{self, StartRunRequest};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// Upgrade the cluster: show the plan, start it, follow it. Ctrl-C leaves the run going.
///
/// Exactly the plan that was shown, or that the file holds, is started: where the cluster has changed meanwhile, nothing is, and what has
/// changed is named. The exit code says how the run ended: 0 succeeded, 4 paused with a reason, 1 aborted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift upgrade --to v1.32.9                       # shows the plan, asks, starts, follows
  podlift upgrade --to v1.32.9 --yes --detach        # starts without asking, prints the run's id
  podlift upgrade --to v1.32.9 --max-unavailable 8   # eight workers at a time
  podlift upgrade --plan plan.json --approve phase   # yesterday's plan, with a person before each phase")]
pub(crate) struct Upgrade {
    /// Version to upgrade to, e.g. v1.32.9.
    #[arg(long, value_name = "VERSION", required_unless_present = "plan")]
    to: Option<KubeVersion>,
    #[command(flatten)]
    target: Target,
    /// Run this plan, as `podlift plan -o json` wrote it, and refuse if what it rests on has changed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "max_unavailable", "nodes", "waivers", "expect_hash"])]
    plan: Option<PathBuf>,
    /// Where the run pauses for `podlift approve`. As configured by default.
    #[arg(long, value_enum, value_name = "WHERE")]
    approve: Option<Approve>,
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

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Approve {
    /// Nowhere: the start approves all.
    All,
    /// Before each phase.
    Phase,
    /// Before each phase, and before each batch of its nodes.
    Batch,
}

impl Approve {
    fn to_wire(given: Option<Self>) -> i32 {
        let wire = match given {
            None => v1::Approve::Unspecified,
            Some(Self::All) => v1::Approve::All,
            Some(Self::Phase) => v1::Approve::Phase,
            Some(Self::Batch) => v1::Approve::Batch,
        };
        wire as i32
    }
}

impl Upgrade {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let terminal = std::io::stdin().is_terminal();
        if !self.yes && !terminal {
            let why = "stdin is no terminal, so nobody can be asked whether to start";
            return Err(CliError::usage("nothing was started", why, &self.again("--yes")));
        }
        let file = self.plan.as_deref().map(read).transpose()?;
        let mut client = context.client().await?;
        let (plan, request) = match file {
            Some((plan, text)) => {
                (plan, StartRunRequest { plan_json: text.into_bytes(), ..Default::default() })
            }
            None => self.made(context, &mut client).await?,
        };
        out::narrate(&render::plan::plan(&plan, false, Screen::of_stderr()));
        self.check(&plan)?;
        if !self.yes && !confirmed(plan.cluster.as_str()) {
            return Err(CliError::failed("nothing was started", "the cluster's name was not typed"));
        }
        let (expect_hash, approve) = (plan.hash.to_string(), Approve::to_wire(self.approve));
        let request = StartRunRequest { expect_hash, approve, ..request };
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

    /// A plan made now.
    async fn made(
        &self,
        context: &Context,
        client: &mut Client,
    ) -> Result<(Program, StartRunRequest), CliError> {
        // clap has refused a line with neither of both.
        let Some(to) = self.to else {
            return Err(CliError::usage(
                "nothing was started",
                "no version was given",
                "podlift help upgrade",
            ));
        };
        let request = self.target.request(to);
        let (plan, _) = ask(context, client, request.clone()).await?;
        Ok((plan, StartRunRequest { plan: Some(request), ..Default::default() }))
    }

    fn check(&self, plan: &Program) -> Result<(), CliError> {
        if let Some(wanted) =
            self.expect_hash.as_ref().filter(|h| !plan.hash.as_str().starts_with(h.as_str()))
        {
            let what = format!("the plan made now is {}, expected {wanted}", plan.hash.short());
            let why = "the cluster or the question has changed since; nothing was started";
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

/// A plan from a file, and its text as it is: what was changed in it is refused here and by the coordinator.
fn read(file: &Path) -> Result<(Program, String), CliError> {
    let refused = |why: String| {
        let what = format!("{} is not a plan that can be run", file.display());
        CliError::usage(what, why, "podlift help plan")
    };
    let text = podlift_common::durable::read_to_string(file).map_err(|e| refused(e.to_string()))?;
    let plan = Program::from_json(&text).map_err(|e| refused(e.to_string()))?;
    Ok((plan, text))
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
