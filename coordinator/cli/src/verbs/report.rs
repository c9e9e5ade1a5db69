//! `podlift report`. Its subcommand writes a person's findings into the report.

mod note;

use crate::error::{CliError, Exit};
use crate::out::{self, Format};
use crate::{Context, render};

/// Show what happened in a run, from the journal: as Markdown, as a page with -o html, or as the document with -o json.
///
/// The report has the sign-off checklist with its evidence, the known issues that the run met, the validation at its end, times of each
/// node, heals, waivers, and how long each API server was away.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  podlift report > report.md
  podlift report -o html > report.html     # one file to read, print and sign
  podlift report 20261122-020000-1c4e -o json
  podlift report note \"dgx031: loose cable at the second port, changed\""
)]
pub(crate) struct Report {
    #[command(subcommand)]
    what: Option<What>,
    /// Id of the run; the newest by default.
    #[arg(value_name = "RUN", conflicts_with = "run")]
    id: Option<String>,
    /// Id of the run, as an option.
    #[arg(long)]
    run: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Note(note::Note),
}

impl Report {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        if let Some(What::Note(verb)) = self.what {
            return verb.run(context).await;
        }
        let answer = context.client().await?.report(self.id.or(self.run)).await?;
        let render =
            if context.format == Format::Html { render::page::page } else { render::report::markdown };
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    #[test]
    fn a_run_is_named_with_and_without_the_option_and_a_note_is_no_run() {
        let command = || Report::augment_args(clap::Command::new("report"));
        let of = |args: &[&str]| {
            let all = std::iter::once("report").chain(args.iter().copied());
            command().try_get_matches_from(all).map(|m| Report::from_arg_matches(&m).unwrap())
        };
        let run = |args: &[&str]| of(args).map(|r| r.id.or(r.run)).unwrap();
        assert_eq!(run(&["r1"]).as_deref(), Some("r1"));
        assert_eq!(run(&["--run", "r1"]).as_deref(), Some("r1"));
        assert_eq!(run(&[]), None);
        assert!(of(&["r1", "--run", "r2"]).is_err());
        let note = of(&["note", "a loose cable", "--run", "r1"]).unwrap();
        assert!(matches!(note, Report { what: Some(What::Note(_)), id: None, .. }));
    }
}
