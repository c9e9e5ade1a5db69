//! The command line as a whole. The arguments of a verb are in the verb's file.

use super::out::{Colour, Format};
use super::verbs;
use clap::{Parser, Subcommand, ValueEnum as _};
use std::ffi::OsString;
use std::path::PathBuf;

/// Upgrades the Kubernetes of a SuperPOD, one minor version at a time.
///
/// podlift talks to a coordinator, which plans the upgrade and carries it out through an agent on every node. Data goes to stdout,
/// narration to stderr.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 preflight blocked, 4 paused for the operator, 5 coordinator unreachable, 6 the run succeeded
/// without workers that failed, or a validation left checks open, 130 interrupted while following (the run continues).
#[derive(Debug, Parser)]
#[command(
    name = "podlift",
    version,
    max_term_width = 110,
    after_help = "Examples:
  podlift plan --to v1.32.9      # changes nothing; shows what podlift would prevent and what blocks
  podlift upgrade --to v1.32.9   # makes the same plan, starts it and follows the run
  podlift repair --plan          # shows what a heal or a failed run has left to repair
  podlift status                 # the run and the fleet
  podlift watch                  # the same, live"
)]
pub(super) struct Args {
    /// Configuration file: the coordinator's address and the operator's certificate.
    #[arg(long, global = true, default_value = "/etc/podlift/podlift.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Format of the data on stdout.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
    /// When to use colour; auto follows NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Plan(verbs::plan::Plan),
    Upgrade(verbs::upgrade::Upgrade),
    Repair(verbs::repair::Repair),
    Status(verbs::status::Status),
    Watch(verbs::watch::Watch),
    Dashboard(verbs::dashboard::Dashboard),
    Validate(verbs::validate::Validate),
    Issues(verbs::issues::Issues),
    Runs(verbs::runs::Runs),
    Clusters(verbs::clusters::Clusters),
    Events(verbs::events::Events),
    Pause(verbs::pause::Pause),
    Resume(verbs::resume::Resume),
    Retry(verbs::retry::Retry),
    Abort(verbs::abort::Abort),
    Defer(verbs::defer::Defer),
    Include(verbs::include::Include),
    Node(verbs::node::Node),
    Set(verbs::set::Set),
    Approve(verbs::approve::Approve),
    Attest(verbs::attest::Attest),
    Report(verbs::report::Report),
    Heal(verbs::heal::Heal),
    Backup(verbs::backup::Backup),
    Secret(verbs::secret::Secret),
    Takeover(verbs::takeover::Takeover),
    Adopt(verbs::adopt::Adopt),
    Cert(verbs::cert::Cert),
    Completion(verbs::completion::Completion),
    Man(verbs::man::Man),
}

/// Reads `--color WHEN` from a line that may be wrong elsewhere, so that its error is coloured as requested.
pub(super) fn colour(words: &[OsString]) -> Option<Colour> {
    let words: Vec<&str> = words.iter().filter_map(|w| w.to_str()).take_while(|w| *w != "--").collect();
    let separate = words.windows(2).find(|pair| pair[0] == "--color").map(|pair| pair[1]);
    let joined = words.iter().find_map(|w| w.strip_prefix("--color="));
    Colour::from_str(separate.or(joined)?, false).ok()
}
