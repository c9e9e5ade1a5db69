//! `kubeadm upgrade apply` on the first control-plane node. Exit code 0 does not prove health: kubeadm exits 0 over a crash-looping API
//! server.

use super::shared::{control_plane, kubeadm_ended, remaining};
use super::{Applied, Cx, Op, kubeadm_patches, served};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::op::{Preflight, SkipPhase};
use podlift_model::{Failure, KubeVersion, OpOutput};
use podlift_tools::kubeadm;

pub struct KubeadmApply {
    pub to: KubeVersion,
    pub skip: Vec<SkipPhase>,
    pub ignore: Vec<Preflight>,
    /// Skips nothing of its own accord.
    pub whole: bool,
}

#[async_trait]
impl Op for KubeadmApply {
    fn is_unit(&self) -> bool {
        true
    }

    /// Never done before `apply`: new manifests do not show whether the phases after them ran.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        control_plane(cx.node)?;
        let skip = match self.whole {
            true => self.skip.clone(),
            false => remaining(cx.node, self.to, &self.skip).await,
        };
        Ok(Applied::Unit(kubeadm::apply(
            self.to,
            &skip,
            &self.ignore,
            kubeadm_patches::local(cx.node),
            cx.node.config.ops.kubeadm_timeout,
        )))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        served::served(cx, kubeadm_ended(cx, "kubeadm upgrade apply", exit)?).await
    }
}
