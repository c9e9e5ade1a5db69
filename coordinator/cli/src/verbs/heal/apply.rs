//! `podlift heal apply`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_model::NodeName;
use podlift_model::op::Component;
use podlift_proto::v1::{CommandRequest, command_request::Verb};

/// Repair a manifest now where the heal only reports outside of a run; its component restarts. Ends a fight, and budgets begin anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal apply runai-01 kube-apiserver    # one node at a time: its API server restarts")]
pub(crate) struct Apply {
    /// The node whose manifest it is.
    node: NodeName,
    /// kube-apiserver, kube-controller-manager or kube-scheduler.
    component: Component,
}

impl Apply {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let request = CommandRequest {
            verb: Verb::HealApply as i32,
            target: self.node.into(),
            component: self.component.to_string(),
            ..CommandRequest::default()
        };
        context.say(request).await?;
        Ok(Exit::Done)
    }
}
