//! Stages the target's images: pulls those that the runtime lacks, as kubeadm does, and pins all that the node needs with the runtime's
//! sandbox image, so that the kubelet's garbage collection leaves them alone until `image-release`.
//!
//! Without a pin, a full disk costs the control plane its images between this op and the restart of the static pods: the kubelet removes
//! unused images first, and these are unused until then.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::images::{ImagesState, NeededImage};
use podlift_model::{Failure, KubeVersion, OpOutput, agree, count};
use podlift_tools::{crictl, ctr, survey};

pub struct ImagePull {
    pub to: KubeVersion,
}

impl ImagePull {
    async fn state(&self, cx: &Cx<'_>) -> Result<ImagesState, Failure> {
        survey::images_to_stage(cx.node.surveyed(), self.to).await
    }
}

#[async_trait]
impl Op for ImagePull {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let state = self.state(cx).await?;
        let staged = state.needed.iter().all(|image| image.present && image.pinned);
        let all = || {
            let images = state.needed.len();
            let (all, are) = (count(images, "image"), agree(images, "is", "are"));
            OpOutput::Unchanged(format!("{all} {are} on the node and pinned{}", unseen(&state)))
        };
        Ok(staged.then(all))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let state = self.state(cx).await?;
        let lacking: Vec<&NeededImage> = state.needed.iter().filter(|image| !image.present).collect();
        if !lacking.is_empty() {
            super::shared::free_space(cx.node)?;
        }
        for image in &lacking {
            crictl::pull(&cx.node.host, &image.image, cx.node.config.ops.download_timeout).await?;
        }
        let pulled = names(&lacking);
        let pins = pin(cx, &state).await;
        Ok(Applied::Done(OpOutput::Changed(format!("pulled {pulled}; {pins}{}", unseen(&state)))))
    }
}

/// What the node needs and could not be found out, so that it was neither pulled nor pinned.
fn unseen(state: &ImagesState) -> String {
    state.unseen.iter().map(|what| format!("; not known, and so not staged: {what}")).collect()
}

fn names(images: &[&NeededImage]) -> String {
    match images {
        [] => "nothing, because all images are on the node".into(),
        _ => images.iter().map(|image| image.image.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// Pins what is not pinned, and says how that went. A pin that can't be set is no failure, because the images are looked at once more right
/// before they are needed.
async fn pin(cx: &Cx<'_>, state: &ImagesState) -> String {
    let host = &cx.node.host;
    let (mut pinned, mut failed) = (0, None);
    for image in state.needed.iter().filter(|image| !image.pinned) {
        match ctr::pin(host, &image.image).await {
            Ok(()) => pinned += 1,
            Err(failure) => failed = Some(failure.message),
        }
    }
    match failed {
        None => format!("pinned {pinned}"),
        Some(why) => format!("pinned {pinned}, and the rest could not be pinned: {why}"),
    }
}
