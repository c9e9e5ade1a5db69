//! `kubeadm upgrade node phase kubelet-config`: writes the kubelet's configuration from the cluster's.

use super::shared::{all_manifests_or_none, kubeadm_ended};
use super::{Applied, Cx, Op, kubeadm_patches};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};
use podlift_tools::kubeadm;

pub struct KubeletConfig;

#[async_trait]
impl Op for KubeletConfig {
    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        all_manifests_or_none(cx.node)?;
        Ok(Applied::Unit(kubeadm::kubelet_config(
            kubeadm_patches::directory(cx.node),
            cx.node.config.ops.kubeadm_timeout,
        )))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        kubeadm_ended(cx, "kubeadm upgrade node phase kubelet-config", exit)
    }
}
