//! `podlift retry`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_client::Command;
use podlift_model::op::DeviceOverride;

/// Length of a reason that agents accept, in bytes.
const REASON: usize = 200;

/// Assess the failed steps again, with every step before them on the same node, and continue the run.
///
/// Workers that failed and were set aside are taken up again. With `--step` only that step's node continues, and other failures stay as they
/// are. Nothing is done twice: a step first looks whether it is done already.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift retry --follow
  podlift retry --step control-plane/runai-01/kubeadm-apply
  podlift retry --unwaive flag-loss/runai-01/audit-log-maxsize
  podlift retry --repair-dpkg
  podlift retry --override-devices dgx031 --reason \"its Slurm job may be lost\"")]
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
    /// Change the packages and the kubelet of this node although its devices (GPUs, InfiniBand) are in use by what the drain has left, until
    /// its turn is over. What uses them may lose its work.
    #[arg(long, value_name = "NODE", requires = "reason")]
    override_devices: Option<podlift_model::NodeName>,
    /// Reason for the override, at most 200 bytes, for journal, report and the agent's ledger.
    #[arg(long, value_name = "TEXT", requires = "override_devices", value_parser = reason)]
    reason: Option<String>,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Follow the run afterwards, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

/// What an agent accepts as the reason of an override.
fn reason(text: &str) -> Result<String, String> {
    let fits = (1..=REASON).contains(&text.trim().len()) && !text.contains(char::is_control);
    match fits {
        true => Ok(text.trim().into()),
        false => Err(format!(
            "expected a reason of 1 to {REASON} bytes in one line, for example \"its Slurm job may be lost\""
        )),
    }
}

impl Retry {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        if let Some(check) = self.unwaive {
            context.command(Command::Unwaive { run: self.run.clone(), check }).await?;
        }
        let devices = self.override_devices.zip(self.reason);
        let devices = devices.map(|(node, reason)| DeviceOverride { node, reason });
        let (run, step, repair_dpkg) = (self.run, self.step, self.repair_dpkg);
        let command = Command::Retry { run, step, repair_dpkg, devices };
        let client = context.command(command).await?;
        if self.follow { follow::shown(context, client, before).await } else { Ok(Exit::Done) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_an_agent_accepts() {
        assert_eq!(reason(" its Slurm job may be lost "), Ok("its Slurm job may be lost".into()));
        assert!(reason(&"x".repeat(REASON)).is_ok());
        for bad in ["", "  ", "two\nlines", &"x".repeat(REASON + 1)] {
            assert!(reason(bad).unwrap_err().starts_with("expected a reason of 1 to 200 bytes"), "{bad:?}");
        }
    }
}
