//! `podlift retry`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_proto::v1::CommandRequest;
use podlift_proto::v1::command_request::Verb;

/// Judge the failed steps again, with every step before them on the same node, and go on.
///
/// What holds is not done again: a step first looks whether it is done already.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift retry --follow
  podlift retry --step control-plane/runai-01/kubeadm-apply
  podlift retry --unwaive flag-loss
  podlift retry --repair-dpkg")]
pub(crate) struct Retry {
    /// Only this step, as `podlift status` names it.
    #[arg(long)]
    step: Option<podlift_model::StepId>,
    /// Lift the waiver of this check first.
    #[arg(long, value_name = "CHECK")]
    unwaive: Option<String>,
    /// Where packages are installed again: first bring an interrupted dpkg to its end (`dpkg --configure -a`).
    #[arg(long)]
    repair_dpkg: bool,
    /// Another run than the open one.
    #[arg(long)]
    run: Option<String>,
    /// Then follow it, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

impl Retry {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        if let Some(check) = self.unwaive {
            context.command(Verb::Unwaive, self.run.clone(), check, String::new()).await?;
        }
        let request = CommandRequest {
            verb: Verb::Retry as i32,
            run: self.run.unwrap_or_default(),
            target: self.step.map(String::from).unwrap_or_default(),
            repair_dpkg: self.repair_dpkg,
            ..CommandRequest::default()
        };
        let client = context.say(request).await?;
        if self.follow { before.follow(context, client).await } else { Ok(Exit::Done) }
    }
}
