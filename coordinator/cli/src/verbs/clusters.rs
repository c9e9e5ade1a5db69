//! `podlift clusters`.

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use podlift_engine::view;

/// Show the Kubernetes clusters that BCM lists, and the one that this coordinator serves.
///
/// BCM may have several, as Mission Control has k8s-admin and k8s-user. Each has a coordinator of its own, with its own configuration,
/// journal, certificates and port. Which coordinator a command asks is in the file of --config. The list is asked for at the agent of the
/// head node, so that [bcm] must be in the coordinator's configuration. Exit code 1 means that BCM does not list the cluster of this
/// coordinator.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift clusters
  podlift clusters -o json
  podlift clusters --config /etc/podlift/k8s-admin.toml   # asks the coordinator of another cluster")]
pub(crate) struct Clusters {}

impl Clusters {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let answer = context.client().await?.clusters().await?;
        let render = |seen: &view::Clusters| render::clusters::clusters(seen, Screen::of_stdout());
        out::data(&context.shown(&answer, render)?)?;
        match answer.view()?.problem {
            None => Ok(Exit::Done),
            Some(why) => Err(CliError::new(
                Exit::Failed,
                "BCM does not know this coordinator's cluster",
                why,
                "podlift help clusters",
            )),
        }
    }
}
