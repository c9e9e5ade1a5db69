//! `kubeadm upgrade plan`: kubeadm's own opinion of the cluster. It creates a Job, so it belongs into a run.

use super::shared::{control_plane, kubeadm_ended};
use super::{Applied, Cx, Op};
use crate::tools::kubeadm;
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::{Failure, KubeVersion, OpOutput};

pub struct KubeadmPlan {
    pub to: KubeVersion,
}

#[async_trait]
impl Op for KubeadmPlan {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        control_plane(cx.node)?;
        Ok(Applied::Unit(kubeadm::plan(self.to, cx.node.config.ops.kubeadm_timeout)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        kubeadm_ended(cx, "kubeadm upgrade plan", exit)
    }
}
