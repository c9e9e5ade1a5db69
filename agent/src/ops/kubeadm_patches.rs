//! The node's patches directory for kubeadm.

use super::{Applied, Cx, Op};
use crate::node::Node;
use async_trait::async_trait;
use podlift_model::op::{PatchName, PatchText};
use podlift_model::{Digest, Failure, OpOutput};
use std::collections::BTreeMap;

pub struct KubeadmPatches {
    pub files: Vec<PatchText>,
}

/// What the directory holds.
pub fn present(_node: &Node) -> BTreeMap<PatchName, Digest> {
    BTreeMap::new()
}

#[async_trait]
impl Op for KubeadmPatches {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, _: &Cx<'_>) -> Result<Applied, Failure> {
        let message = format!("{} patches: this agent keeps none", self.files.len());
        Err(Failure::permanent("not-offered", message))
    }
}
