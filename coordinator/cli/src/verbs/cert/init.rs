//! `podlift cert init`.

use crate::error::{CliError, Exit};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::tls::ca;
use podlift_model::ClusterName;
use std::path::PathBuf;

/// Make the CA of a cluster: ca.crt and ca.key. Keep ca.key on the head node.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift cert init --cluster runaicluster --dir /etc/podlift/ca")]
pub(crate) struct Init {
    /// BCM's name of the Kubernetes cluster.
    #[arg(long)]
    cluster: ClusterName,
    /// Directory of the CA.
    #[arg(long, default_value = "/etc/podlift/ca")]
    dir: PathBuf,
}

impl Init {
    pub fn run(self) -> Result<Exit, CliError> {
        let pair = ca::init(&self.cluster, SystemClock.now())
            .map_err(|e| CliError::failed("the CA can't be made", e))?;
        super::show(&super::write(&self.dir, "ca", &pair)?)?;
        Ok(Exit::Done)
    }
}
