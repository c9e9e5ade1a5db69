//! `podlift backup list`.

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use podlift_engine::view::Backups;

/// Show the backups on the head node, newest first. This reads only their manifests; verify reads every byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift backup list
  podlift backup list -o json")]
pub(super) struct List {}

impl List {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let answer = context.client().await?.backups().await?;
        let render = |seen: &Backups| render::backup::list(seen, Screen::of_stdout());
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }
}
