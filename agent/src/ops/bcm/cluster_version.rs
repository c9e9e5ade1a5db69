//! Sets the Kubernetes version in BCM's metadata, which `module load kubernetes` uses. BCM accepts any text, so that only the text that is
//! read back counts.

use super::{Applied, Cx, Op, shared};
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, PackageVersion};
use podlift_tools::bcm::{change, cluster_version};

pub struct ClusterVersion {
    pub version: PackageVersion,
}

impl ClusterVersion {
    /// A text of another form is another version.
    async fn is_set(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        match cluster_version::look(&cx.node.host, &cx.node.config.cluster).await {
            Ok(version) => Ok(version == self.version),
            Err(failure) if failure.code == podlift_tools::bcm::ODD => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

#[async_trait]
impl Op for ClusterVersion {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let line = || OpOutput::Unchanged(format!("BCM has the version {} already", self.version));
        Ok(self.is_set(cx).await?.then(line))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let cluster = &cx.node.config.cluster;
        let said = change::version(&cx.node.host, cluster, &self.version).await?;
        match self.is_set(cx).await? {
            true => Ok(Applied::Done(OpOutput::Changed(format!("BCM has the version {}", self.version)))),
            false => Err(shared::no_effect(
                &format!("BCM's cluster {cluster} did not get {}", self.version),
                &said,
            )),
        }
    }
}
