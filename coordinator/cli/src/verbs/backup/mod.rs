//! `podlift backup`: makes a set outside of any run; below it, the sets that are there and a look at every byte of one.

mod list;
mod verify;

use crate::client::Client;
use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::progress::Progress;
use crate::{Context, render};
use clap::Subcommand;
use podlift_engine::view::{BackupCheck, backups};
use podlift_model::{NodeName, RunId};
use podlift_proto::v1::{BackupProgress, BackupRequest, BackupUpdate, Document, backup_update::Update};
use tonic::Streaming;

/// Make a backup of the cluster on the head node, and verify it.
///
/// An etcd snapshot, each node's manifests, keys and configuration, and the objects that an upgrade may cost, sealed by a manifest of
/// hashes; secrets encrypted with age. A run makes its own before it changes anything. It goes on when this command is interrupted.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  podlift backup
  podlift backup --name before-the-firmware
  podlift backup --without dgx030               # its agent is away
  podlift backup list
  podlift backup verify before-the-firmware"
)]
pub(crate) struct Backup {
    #[command(subcommand)]
    what: Option<What>,
    /// Its name; made of the time by default.
    #[arg(long, value_name = "NAME")]
    name: Option<RunId>,
    /// Leave this node's files out; may be repeated. The set says so.
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
                let without = self.without.iter().map(ToString::to_string).collect();
                let request =
                    BackupRequest { name: self.name.map(String::from).unwrap_or_default(), without };
                let mut client: Client = context.client().await?;
                let progress =
                    Progress::waiting("backup: etcd snapshot, files of every node, objects of the cluster");
                let stream = client.backup(request).await?.into_inner();
                let document = last(stream, progress).await?;
                show(context, &document)
            }
        }
    }
}

/// Shows how far it comes; the document at the end.
async fn last(mut stream: Streaming<BackupUpdate>, progress: Progress) -> Result<Document, CliError> {
    while let Some(said) = stream.message().await? {
        match said.update {
            Some(Update::Progress(told)) => progress.say(line(&told)),
            Some(Update::Check(document)) => return Ok(document),
            None => {}
        }
    }
    Err(CliError::unreachable("the coordinator went away", "it ended before it told how the backup is"))
}

fn line(told: &BackupProgress) -> String {
    let BackupProgress { what, done, total } = told;
    if *total == 0 { what.clone() } else { format!("{what} ({done} of {total})") }
}

/// The document as data; a set that is not whole is a failure besides.
fn show(context: &Context, document: &Document) -> Result<Exit, CliError> {
    let people = |check: &BackupCheck| render::backup::check(check, Screen::of_stdout());
    out::data(&context.shown(backups::CHECK_SCHEMA, document, people)?)?;
    let check: BackupCheck = context.read(backups::CHECK_SCHEMA, document)?;
    match check.problems.len() {
        0 => Ok(Exit::Done),
        n => {
            let what = format!("backup {} is not whole", check.backup.name);
            let why = format!("{n} of its parts are missing, changed or open to others: see above");
            Err(CliError::new(Exit::Failed, what, why, "podlift backup"))
        }
    }
}
