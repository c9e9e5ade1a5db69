//! `podlift heal accept`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_model::op::Component;
use podlift_model::{Digest, NodeName};
use podlift_proto::v1::{CommandRequest, command_request::Verb};

/// Say that a changed manifest is right: the heal expects it from now on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal accept runai-01 kube-apiserver")]
pub(crate) struct Accept {
    node: NodeName,
    /// kube-apiserver, kube-controller-manager or kube-scheduler.
    component: Component,
    /// Only if the manifest has this hash. Without it: the one that `podlift heal status` shows now.
    #[arg(long, value_name = "SHA256", value_parser = hash)]
    sha256: Option<Digest>,
}

fn hash(text: &str) -> Result<Digest, String> {
    Digest::try_from(text.to_string())
}

impl Accept {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let request = CommandRequest {
            verb: Verb::HealAccept as i32,
            target: self.node.into(),
            component: self.component.to_string(),
            sha256: self.sha256.map(String::from).unwrap_or_default(),
            ..CommandRequest::default()
        };
        context.say(request).await?;
        Ok(Exit::Done)
    }
}
