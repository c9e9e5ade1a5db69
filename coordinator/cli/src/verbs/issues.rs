//! `podlift issues`.

use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::{Context, render};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use podlift_engine::issues::IssueName;

/// Explain the known issues of an upgrade: why each happens, what it costs, how podlift repairs it, and what a person decides.
///
/// The texts are in this program; no coordinator is asked. `podlift validate` shows which of them the cluster has now, and `podlift report`
/// which of them a run met.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift issues
  podlift issues load-balancers
  podlift issues -o json")]
pub(crate) struct Issues {
    /// The issue to explain; all by default.
    #[arg(value_parser = names())]
    name: Option<IssueName>,
}

/// Reads the name of an issue.
pub(super) fn names() -> impl TypedValueParser<Value = IssueName> {
    PossibleValuesParser::new(IssueName::ALL.map(IssueName::name)).try_map(|name| name.parse::<IssueName>())
}

impl Issues {
    pub fn run(self, context: &Context) -> Result<Exit, CliError> {
        let all = self.name.map_or(IssueName::ALL.to_vec(), |name| vec![name]);
        let text = match context.format {
            Format::Json | Format::Yaml => out::value_text(context.format, &render::issues::document(&all))?,
            _ => render::issues::pages(&all, Screen::of_stdout()),
        };
        out::data(&text)?;
        Ok(Exit::Done)
    }
}
