//! Pulls the target's control-plane images ahead. `kubeadm config images pull` of the installed kubeadm refuses a higher minor, so the
//! image names come from the live manifests' own registry.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::{Failure, KubeVersion, OpOutput};
use podlift_tools::crictl;

pub struct ImagePull {
    pub to: KubeVersion,
}

impl ImagePull {
    /// The images to pull; empty on a worker.
    fn images(&self, cx: &Cx<'_>) -> Vec<String> {
        let image = |component: &Component| {
            let bytes = cx.node.host.files.read(&paths::manifest(*component)).ok()?;
            let manifest = Manifest::parse(*component, &bytes).ok()?;
            Some(format!("{}/{component}:{}", manifest.registry()?, self.to))
        };
        Component::ALL.iter().filter_map(image).collect()
    }
}

#[async_trait]
impl Op for ImagePull {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let none = || OpOutput::Unchanged("no static pods here: no images to pull".into());
        Ok(self.images(cx).is_empty().then(none))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        super::shared::free_space(cx.node)?;
        let images = self.images(cx);
        for image in &images {
            crictl::pull(&cx.node.host, image, cx.node.config.ops.download_timeout).await?;
        }
        Ok(Applied::Done(OpOutput::Changed(format!("pulled {}", images.join(", ")))))
    }
}
