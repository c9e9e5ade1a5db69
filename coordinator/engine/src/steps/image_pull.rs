//! Fetches the node's images that the runtime lacks, before anything is disrupted, and pins them and the sandbox image against the kubelet's
//! garbage collection. An abort releases the pins.

use super::reply::{blocked, done, odd, once, output};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::program::{Evidence, Given, Shared};
use podlift_model::images::NeededImage;
use podlift_model::{HostOp, KubeVersion, Look, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePull {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl ImagePull {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

impl Step for ImagePull {
    fn verb(&self) -> String {
        "image-pull".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn remains(&self) -> Option<String> {
        Some(format!("the images of {} stay on the node, without podlift's pins", *self.to))
    }
    fn sample() -> Self {
        Self::to(podlift_model::KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Images { to: *self.to })
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(OpOutput::Images(images)) = output(reply) else { return odd(reply) };
        if let (true, true, Some(why)) = (images.needed.is_empty(), cx.acted, images.unseen.first()) {
            let message = format!("pulled, and which images {} has is not known: {why}", cx.node());
            return blocked("images-unseen", message, "podlift retry");
        }
        if images.needed.is_empty() {
            // The node can't list what it needs before the target's kubeadm is there; the op gets the list from the download.
            return once(cx.acted, "images pulled");
        }
        let names = |which: fn(&NeededImage) -> bool| -> Vec<&str> {
            images.needed.iter().filter(|i| which(i)).map(|i| i.image.as_str()).collect()
        };
        let (absent, loose) = (names(|i| !i.present), names(|i| i.present && !i.pinned));
        match (absent.is_empty(), loose.is_empty(), cx.acted) {
            (true, true, _) if !images.unseen.is_empty() => Assess::Done(Evidence::Partly {
                what: format!(
                    "there and pinned: {}; not known: {}",
                    podlift_model::count(images.needed.len(), "image"),
                    images.unseen.join("; ")
                ),
            }),
            (true, true, _) => {
                done(format!("there and pinned: {}", podlift_model::count(images.needed.len(), "image")))
            }
            (true, false, true) => done(format!(
                "there: {}; the runtime does not pin {}",
                podlift_model::count(images.needed.len(), "image"),
                loose.join(", ")
            )),
            (false, _, true) => blocked(
                "images-missing",
                format!("pulled, and still not on {}: {}", cx.node(), absent.join(", ")),
                "podlift retry",
            ),
            (_, _, false) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::ImagePull { to: *self.to })
    }

    fn undo(&self, cx: &Cx) -> Option<Act> {
        cx.undo_host(HostOp::ImageRelease)
    }
}
