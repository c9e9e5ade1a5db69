//! `podlift plan`.

use crate::client::Client;
use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::progress::Progress;
use crate::{Context, render};
use podlift_engine::program::{self, Program};
use podlift_model::KubeVersion;
use podlift_proto::v1::plan_update::Update;
use podlift_proto::v1::{Document, PlanRequest, Waiver};
use tonic::Code;

/// Show what an upgrade would do, what it would prevent and what blocks it. Changes nothing.
///
/// The coordinator looks at every node, at etcd, at the package repositories and at the cluster's objects, and works out what kubeadm would
/// take away. Exit code 3 says that something blocks the run. The document of `-o json` is a plan that `podlift upgrade --plan` runs as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift plan --to v1.32.9
  podlift plan --to v1.32.9 -v                            # every node, every name
  podlift plan --to v1.32.9 --node dgx030 --node dgx031   # these two only
  podlift plan --to v1.32.9 -o json > plan.json           # the document, with every step")]
pub(crate) struct Plan {
    /// Version to upgrade to, e.g. v1.32.9.
    #[arg(long, value_name = "VERSION")]
    to: KubeVersion,
    #[command(flatten)]
    target: Target,
    /// Show all nodes and names, where the tables are cut otherwise.
    #[arg(short, long)]
    verbose: bool,
}

/// What both plan and upgrade ask for.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// Workers that may be unavailable at once, those included that are so already. As configured by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_unavailable: Option<u32>,
    /// Only this node; may be repeated. All by default.
    #[arg(long = "node", value_name = "NODE")]
    nodes: Vec<podlift_model::NodeName>,
    /// Set a check aside, with the reason that the report will show; may be repeated.
    #[arg(long = "waive", value_name = "CHECK=REASON", value_parser = waiver)]
    waivers: Vec<Waiver>,
}

fn waiver(text: &str) -> Result<Waiver, String> {
    match text.split_once('=') {
        Some((check, reason)) if !check.is_empty() && !reason.trim().is_empty() => {
            Ok(Waiver { check: check.into(), reason: reason.into() })
        }
        _ => Err("expected CHECK=REASON, for example flag-loss=\"repaired by hand\"".into()),
    }
}

impl Target {
    pub fn request(&self, to: KubeVersion) -> PlanRequest {
        PlanRequest {
            to: to.to_string(),
            max_unavailable: self.max_unavailable.unwrap_or(0),
            waivers: self.waivers.clone(),
            nodes: self.nodes.iter().map(ToString::to_string).collect(),
        }
    }
}

const LOOKING: &str = "planning: looking at every node, etcd, the packages and the cluster's objects";

/// Asks for a plan. That takes as long as the slowest node.
pub(super) async fn ask(
    context: &Context,
    client: &mut Client,
    request: PlanRequest,
) -> Result<(Program, Document), CliError> {
    let waiting = Progress::waiting(LOOKING);
    let document = watched(client, request, &waiting).await?;
    drop(waiting);
    Ok((context.read(program::SCHEMA, &document)?, document))
}

/// The plan comes last; what comes before it says how far the looks are.
async fn watched(
    client: &mut Client,
    request: PlanRequest,
    waiting: &Progress,
) -> Result<Document, CliError> {
    let mut updates = match client.plan_watch(request.clone()).await {
        Ok(updates) => updates.into_inner(),
        // A coordinator from before says nothing while it looks.
        Err(status) if status.code() == Code::Unimplemented => {
            return Ok(client.plan(request).await?.into_inner());
        }
        Err(status) => return Err(status.into()),
    };
    while let Some(update) = updates.message().await? {
        match update.update {
            Some(Update::Progress(p)) => waiting.look(&p.what, p.done, p.total),
            Some(Update::Plan(document)) => return Ok(document),
            None => {}
        }
    }
    Err(CliError::failed("no plan was made", "the coordinator ended its answer before the plan"))
}

impl Plan {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let (plan, document) = ask(context, &mut client, self.target.request(self.to)).await?;
        let people = |plan: &Program| render::plan::plan(plan, self.verbose, Screen::of_stdout());
        out::data(&context.shown(program::SCHEMA, &document, people)?)?;
        Ok(if plan.blockers().next().is_some() { Exit::Blocked } else { Exit::Done })
    }
}
