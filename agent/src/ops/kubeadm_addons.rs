//! kubeadm's addon phase as a separate step.

use super::shared::{control_plane, kubeadm_ended};
use super::{Applied, Cx, Op};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::op::Addon;
use podlift_model::{Failure, KubeVersion, OpOutput};
use podlift_tools::kubeadm;

pub struct KubeadmAddons {
    pub to: KubeVersion,
    pub addons: Vec<Addon>,
}

#[async_trait]
impl Op for KubeadmAddons {
    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let none = || OpOutput::Unchanged("no addon was asked for".into());
        Ok(self.addons.is_empty().then(none))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        control_plane(cx.node)?;
        Ok(Applied::Unit(kubeadm::addons(self.to, &self.addons, cx.node.config.ops.kubeadm_timeout)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        kubeadm_ended(cx, "kubeadm upgrade apply phase addon", exit)
    }
}
