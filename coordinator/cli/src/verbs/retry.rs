//! `podlift retry`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_client::Command;

/// Assess the failed steps again, with every step before them on the same node, and continue the run.
///
/// Workers that failed and were set aside are taken up again. With `--step` only that step's node continues, and other failures stay as they
/// are. Nothing is done twice: a step first looks whether it is done already.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift retry --follow
  podlift retry --step control-plane/runai-01/kubeadm-apply
  podlift retry --unwaive flag-loss/runai-01/audit-log-maxsize
  podlift retry --repair-dpkg")]
pub(crate) struct Retry {
    /// Only this step, as `podlift status` names it.
    #[arg(long)]
    step: Option<podlift_model::StepId>,
    /// Revoke this waiver first, so that the repairs that it has skipped are made.
    #[arg(long, value_name = "CHECK[/NODE/FLAG]")]
    unwaive: Option<String>,
    /// First complete an interrupted dpkg (`dpkg --configure -a`) on nodes whose packages are installed again.
    #[arg(long)]
    repair_dpkg: bool,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Follow the run afterwards, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

impl Retry {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        if let Some(check) = self.unwaive {
            context.command(Command::Unwaive { run: self.run.clone(), check }).await?;
        }
        let command = Command::Retry { run: self.run, step: self.step, repair_dpkg: self.repair_dpkg };
        let client = context.command(command).await?;
        if self.follow { follow::shown(context, client, before).await } else { Ok(Exit::Done) }
    }
}
