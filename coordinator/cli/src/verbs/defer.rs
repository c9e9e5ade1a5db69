//! `podlift defer`.

use crate::Context;
use crate::confirm::Question;
use crate::error::{CliError, Exit};
use crate::render::timestamp;
use crate::verbs::date;
use jiff::Timestamp;
use podlift_client::Command;
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_engine::NodeRole;
use podlift_engine::program::GoalName;
use podlift_engine::view::Status;

/// Leave a node out of the run, and revert what the run has done to it where that is safe.
///
/// A drain of the node stops at once. A node that is not whole (not Ready, a kubelet of another version than its package, missing devices)
/// keeps its cordon; `podlift node release` ends it later. A run may end with deferred nodes, because kubelets may be older than the API
/// servers: by one minor, or by three if the site allows it (`skew` in policy.toml). Status and report name them, and `podlift include`
/// takes a node into the run again. podlift asks first if the node is a control-plane node.
///
/// A deferral needs an open run. Before a run, leave the node out with `podlift upgrade --without NODE`. With --until, later runs leave the
/// node out, too, until that time, unless they name it with --node. `podlift upgrade --resume-deferred` upgrades the nodes that were
/// deferred and whose time has come.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift defer dgx031 --reason \"GPU tray is being changed\"
  podlift defer dgx031 --until 2031-12-01                    # later runs leave it out, too
  podlift defer dgx031 --until 2031-12-01T06:00:00Z
  podlift defer runai-03 --yes                               # does not ask for a control-plane node either")]
pub(crate) struct Defer {
    /// Node to leave out.
    node: podlift_model::NodeName,
    /// Reason, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Leave the node out of later runs, too, until this date (midnight UTC) or time. Needs an open run, like every deferral.
    #[arg(long, value_name = "DATE", value_parser = date::time)]
    until: Option<Timestamp>,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Defer a control-plane node without asking.
    #[arg(long)]
    yes: bool,
}

impl Defer {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        self.is_to_come(SystemClock.now())?;
        let status = context.client().await?.status(self.run.clone(), String::new()).await?.view()?;
        self.has_open_run(&status)?;
        if self.is_control_plane(&status) {
            let node = &self.node;
            let means = format!(
                "{node} is a control-plane node. Deferred, it stays at its version while the rest goes on, and its API server must not stay \
                 behind for long: no kubelet may be newer than an API server."
            );
            let (not, without) = (format!("{node} was not deferred"), context.confirmed());
            Question { not: &not, means: &means, word: node.as_str(), without: &without }.ask(self.yes)?;
        }
        let command =
            Command::Defer { run: self.run, node: self.node, reason: self.reason, until: self.until };
        context.command(command).await?;
        Ok(Exit::Done)
    }

    /// Refuses a time that is over.
    fn is_to_come(&self, now: Timestamp) -> Result<(), CliError> {
        match self.until.filter(|at| *at <= now) {
            None => Ok(()),
            Some(at) => Err(CliError::usage(
                format!("{} was not deferred", self.node),
                format!(
                    "--until is {}, and it is {} now; expected a date or a time to come",
                    timestamp(at),
                    timestamp(now)
                ),
                "podlift help defer",
            )),
        }
    }

    /// Refuses before a person is asked for a confirmation.
    fn has_open_run(&self, status: &Status) -> Result<(), CliError> {
        let newest = status.run.as_ref();
        if newest.is_some_and(|run| run.ended.is_none()) {
            return Ok(());
        }
        let next = newest.map(|run| match run.goal {
            GoalName::Upgrade => format!("podlift plan --to {} --without {}", run.to, self.node),
            GoalName::Repair => format!("podlift repair --plan --without {}", self.node),
        });
        Err(CliError::new(
            Exit::Failed,
            format!("{} was not deferred", self.node),
            "no run is open, and a deferral belongs to an open run; a plan leaves the node out with --without",
            next.as_deref().unwrap_or("podlift help plan"),
        ))
    }

    fn is_control_plane(&self, status: &Status) -> bool {
        let row = status.nodes.iter().find(|n| n.name == self.node);
        row.is_some_and(|n| n.role == NodeRole::ControlPlane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::Parser as _;

    fn defer(line: &str) -> Defer {
        match Args::try_parse_from(line.split(' ')).unwrap().verb {
            crate::args::Verb::Defer(verb) => verb,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_time_that_is_over_is_refused_and_one_to_come_is_not() {
        let now = "2026-11-27T09:00:00Z".parse().unwrap();
        for line in ["podlift defer dgx031", "podlift defer dgx031 --until 2026-11-28"] {
            assert_eq!(defer(line).is_to_come(now), Ok(()), "{line}");
        }
        for until in ["2026-11-27", "2026-11-27T10:00:00+01:00", "1999-12-31"] {
            let error = defer(&format!("podlift defer dgx031 --until {until}")).is_to_come(now).unwrap_err();
            assert_eq!((error.exit, error.what.as_str()), (Exit::Usage, "dgx031 was not deferred"));
            assert!(error.why.contains("expected a date or a time to come"), "{}", error.why);
            assert_eq!(error.next, "podlift help defer");
        }
    }
}
