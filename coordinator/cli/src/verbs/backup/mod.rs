//! `podlift backup`: makes a backup set outside of any run. Its subcommands list the sets and verify one.

mod list;
mod verify;

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::progress::Progress;
use crate::{Context, render};
use clap::Subcommand;
use podlift_client::{Answer, BackupQuery};
use podlift_engine::view::BackupCheck;
use podlift_model::{NodeName, RunId};

/// Make a backup of the cluster on the head node, and verify it.
///
/// A backup has an etcd snapshot, each node's manifests, keys and configuration, and the objects that an upgrade may lose. A manifest of
/// hashes seals it, and secrets are encrypted with age. Each run makes its own backup before it changes anything. The coordinator
/// completes the backup if this command is interrupted.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  podlift backup
  podlift backup --name before-the-firmware
  podlift backup --without dgx030               # if its agent is away
  podlift backup list
  podlift backup verify before-the-firmware"
)]
pub(crate) struct Backup {
    #[command(subcommand)]
    what: Option<What>,
    /// Name of the backup; made from the time by default.
    #[arg(long, value_name = "NAME")]
    name: Option<RunId>,
    /// Leave out this node's files; may be repeated. The set records that.
    #[arg(long, value_name = "NODE")]
    without: Vec<NodeName>,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Verify(verify::Verify),
}

impl Backup {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self.what {
            Some(What::List(verb)) => verb.run(context).await,
            Some(What::Verify(verb)) => verb.run(context).await,
            None => {
                let query = BackupQuery { name: self.name, without: self.without };
                let mut client = context.client().await?;
                let progress =
                    Progress::waiting("backup: etcd snapshot, files of every node, objects of the cluster");
                let answer = client.backup(query, |p| progress.message(p.to_string())).await?;
                drop(progress);
                show(context, &answer)
            }
        }
    }
}

/// Shows the result. A set that is not whole is a failure, too.
fn show(context: &Context, answer: &Answer<BackupCheck>) -> Result<Exit, CliError> {
    let render = |check: &BackupCheck| render::backup::check(check, Screen::of_stdout());
    out::data(&context.shown(answer, render)?)?;
    let check = answer.view()?;
    match check.problems.len() {
        0 => Ok(Exit::Done),
        n => {
            let what = format!("backup {} is not whole", check.backup.name);
            let (parts, are) = (podlift_model::count(n, "part"), podlift_model::agree(n, "is", "are"));
            let why = format!("{parts} of it {are} missing, changed or readable by others: see above");
            Err(CliError::new(Exit::Failed, what, why, "podlift backup"))
        }
    }
}
