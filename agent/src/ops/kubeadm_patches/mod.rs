//! The node's patches directory, which the agent passes to every `kubeadm upgrade`. A new patch may only repeat what the node's own files
//! contain (`judge`): it preserves values and never adds one.
//!
//! Settings that have no place in a ConfigMap travel as files for `kubeadm --patches`. Since the agent accepts only what its node has
//! already, a coordinator with a stolen key can't place a manifest of its choice. The agent passes the directory to every kubeadm run
//! itself, so that no op needs a flag for it.

mod judge;
#[cfg(test)]
mod tests;

use super::shared::file_failure;
use super::{Applied, Cx, Op};
use crate::node::Node;
use async_trait::async_trait;
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::op::{PatchName, PatchText};
use podlift_model::{Digest, Failure, OpOutput, agree, count};
use podlift_tools::kubeadm::Local;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub struct KubeadmPatches {
    pub files: Vec<PatchText>,
}

/// The patches in the directory, with their hashes.
pub fn present(node: &Node) -> BTreeMap<PatchName, Digest> {
    let files = node.host.files.as_ref();
    let patch = |name: String| {
        let bytes = files.read(&path(&name)).ok()?;
        Some((name.parse().ok()?, Digest::of(bytes)))
    };
    names(files).into_iter().filter_map(patch).collect()
}

/// The agent's own arguments for every `kubeadm upgrade`.
pub fn local(node: &Node) -> Local<'static> {
    Local { patches: directory(node), certificate_renewal: node.config.ops.certificate_renewal }
}

/// The directory; `None` if kubeadm is to be given none.
pub fn directory(node: &Node) -> Option<&'static str> {
    (!present(node).is_empty()).then_some(paths::PATCHES)
}

fn path(name: &str) -> PathBuf {
    Path::new(paths::PATCHES).join(name)
}

fn names(files: &dyn Files) -> Vec<String> {
    files.list(Path::new(paths::PATCHES)).unwrap_or_default()
}

#[async_trait]
impl Op for KubeadmPatches {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let wanted: BTreeMap<PatchName, Digest> =
            self.files.iter().map(|f| (f.name, Digest::of(&f.text))).collect();
        let strange = names(cx.node.host.files.as_ref()).len() != wanted.len();
        let same = || {
            let (all, are) = (count(wanted.len(), "patch file"), agree(wanted.len(), "is", "are"));
            OpOutput::Unchanged(format!("{all} of kubeadm {are} there already"))
        };
        Ok((present(cx.node) == wanted && !strange).then(same))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let files = cx.node.host.files.as_ref();
        for patch in &self.files {
            judge::judge(files, patch)?;
        }
        for patch in &self.files {
            let path = path(patch.name.name());
            files.write(&path, patch.text.as_bytes(), 0o600).map_err(|e| file_failure(&path, &e))?;
        }
        let kept = |name: &String| self.files.iter().any(|f| f.name.name() == name);
        for old in names(files).into_iter().filter(|name| !kept(name)) {
            let path = path(&old);
            files.remove_tree(&path).map_err(|e| file_failure(&path, &e))?;
        }
        Ok(Applied::Done(OpOutput::Changed(format!(
            "kubeadm is given {} from now on",
            count(self.files.len(), "patch file")
        ))))
    }
}
