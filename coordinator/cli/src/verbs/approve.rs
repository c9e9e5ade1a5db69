//! `podlift approve`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use podlift_client::Command;
use podlift_engine::program::Item;

/// Approve what a run waits for: a phase, a batch, or a change by its name; or refuse a change by its name.
///
/// A run started with `--approve phase` or `--approve batch` pauses before each of them. Some repairs wait for a person at every site
/// (tigera-removal, runai-restart), others where `ask` in the table [issues] of /etc/podlift/policy.toml names them. A refused change is not
/// made: the run goes on without it, and its line of the sign-off stays open. The journal records who decided what, when and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift approve
  podlift approve --follow                  # then follows the run to its next pause or its end
  podlift approve tigera-removal
  podlift approve tigera-removal --refuse --reason \"the network team decides\"")]
pub(crate) struct Approve {
    /// The change to decide about; what the run waits for by default.
    #[arg(value_parser = items())]
    item: Option<Item>,
    /// Refuse it. The run goes on without it.
    #[arg(long, requires = "item", requires = "reason")]
    refuse: bool,
    /// Why it is refused; the report shows it.
    #[arg(long, value_name = "TEXT", requires = "refuse")]
    reason: Option<String>,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Follow the run afterwards, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

fn items() -> impl TypedValueParser<Value = Item> {
    PossibleValuesParser::new(Item::ALL.map(Item::name)).try_map(|name| name.parse::<Item>())
}

impl Approve {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = match self.follow {
            true => Some(follow::position(context, self.run.as_deref()).await?),
            false => None,
        };
        let command = match self.item {
            None => Command::Approve { run: self.run },
            Some(item) => {
                Command::Decide { run: self.run, item, refused: self.reason.filter(|_| self.refuse) }
            }
        };
        let client = context.command(command).await?;
        match before {
            Some(before) => follow::shown(context, client, before).await,
            None => Ok(Exit::Done),
        }
    }
}
