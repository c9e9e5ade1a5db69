//! `kubeadm upgrade node`, for the other control-plane nodes and for workers. kubeadm derives the node's role from the manifest folder, so
//! a control-plane node that lacks a manifest is refused.

use super::shared::{all_manifests_or_none, kubeadm_ended, remaining};
use super::{Applied, Cx, Op, kubeadm_patches, served};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::op::SkipPhase;
use podlift_model::{Failure, OpOutput};
use podlift_tools::kubeadm::{self, Binary};

pub struct KubeadmNode {
    pub skip: Vec<SkipPhase>,
    /// Skips nothing of its own accord.
    pub whole: bool,
}

#[async_trait]
impl Op for KubeadmNode {
    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        all_manifests_or_none(cx.node)?;
        // The installed kubeadm is the target's: kubeadm refuses a cluster version above its own.
        let skip = match kubeadm::version(&cx.node.host, Binary::Installed).await.map(|text| text.parse()) {
            Ok(Ok(to)) if !self.whole => remaining(cx.node, to, &self.skip).await,
            _ => self.skip.clone(),
        };
        Ok(Applied::Unit(kubeadm::node(
            &skip,
            kubeadm_patches::local(cx.node),
            cx.node.config.ops.kubeadm_timeout,
        )))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        served::served(cx, kubeadm_ended(cx, "kubeadm upgrade node", exit)?).await
    }
}
