//! Images in a node's container runtime: which are there, which are pinned, which are in use, and what its registry answers. Names are
//! whole references (`registry.k8s.io/pause:3.10`).

use super::core::World;
use super::effects::What;
use super::site::CONTAINERD_CONFIG;
use super::state::{Container, Node, State};
use super::versions;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The label by which containerd's CRI plugin tells the kubelet that an image is pinned.
const PINNED: &str = "io.cri-containerd.pinned";
/// The sandbox image of containerd 1.7 without a setting.
const SANDBOX: &str = "registry.k8s.io/pause:3.8";
/// What a pull takes.
const PULL: Duration = Duration::from_secs(4);

/// Labels of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub labels: BTreeMap<String, String>,
}

/// By reference.
pub type Images = BTreeMap<String, Image>;

/// Why the runtime could not pull an image: gRPC code and description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullError {
    pub code: &'static str,
    pub text: String,
}

impl std::fmt::Display for PullError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rpc error: code = {} desc = {}", self.code, self.text)
    }
}

impl Default for Image {
    /// As the CRI plugin stores it: managed, and not pinned.
    fn default() -> Self {
        Self { labels: [("io.cri-containerd.image".into(), "managed".into())].into() }
    }
}

impl Image {
    pub fn pinned(&self) -> bool {
        self.labels.get(PINNED).is_some_and(|v| v == "pinned")
    }
}

impl Node {
    pub fn add_image(&mut self, image: &str) {
        self.images.entry(image.into()).or_default();
    }
}

impl State {
    /// Images of containers that the kubelet knows, ended ones of static pods included.
    fn used_images(&self, node: &str) -> BTreeSet<String> {
        let of_static = self.node(node).containers.iter().map(|c| c.image.clone());
        let here = self.api.pods_on(node);
        let containers = here.flat_map(|(_, pod)| pod["spec"]["containers"].as_array().into_iter().flatten());
        of_static.chain(containers.filter_map(|c| c["image"].as_str().map(String::from))).collect()
    }

    /// Containers of kube-system's ordinary pods on a node, as its runtime shows them.
    pub fn pod_containers(&self, node: &str) -> Vec<Container> {
        let pods = self.ordinary_pods(node).filter(|pod| pod["metadata"]["namespace"] == "kube-system");
        pods.flat_map(super::pods::containers).collect()
    }

    /// Those of all namespaces.
    pub fn ordinary_containers(&self, node: &str) -> Vec<Container> {
        self.ordinary_pods(node).flat_map(super::pods::containers).collect()
    }

    /// Pods that run on a node and are of no file.
    pub fn ordinary_pods(&self, node: &str) -> impl Iterator<Item = &Value> {
        let is_static =
            |pod: &Value| !pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null();
        let runs = move |pod: &&Value| pod["status"]["phase"] == "Running" && !is_static(pod);
        self.api.pods_on(node).map(|(_, pod)| pod).filter(runs)
    }

    /// Why this image can't be pulled, as the runtime reports it.
    pub fn pull_refused(&self, newest: &[(u16, u16)], image: &str) -> Option<PullError> {
        let (code, why) = self.resolve_refused(newest, image)?;
        let text = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {why}"
        );
        Some(PullError { code, text })
    }

    /// Why the registry does not name this image's manifest: gRPC code and reason.
    pub fn resolve_refused(&self, newest: &[(u16, u16)], image: &str) -> Option<(&'static str, String)> {
        let host = image.split('/').next().unwrap_or_default();
        let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let path = name.split_once('/').map_or(name, |(_, path)| path);
        if self.registry_away {
            let why = format!(
                "failed to do request: Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp: lookup {host} on 127.0.0.53:53: no such host"
            );
            return Some(("Unknown", why));
        }
        let offered =
            |v: podlift_model::KubeVersion| newest.iter().any(|(m, p)| v.minor == *m && v.patch <= *p);
        let known = versions::of_image(image).is_none_or(offered);
        (!known).then(|| ("NotFound", format!("{image}: not found")))
    }
}

impl World {
    /// A pull as containerd does it. It asks the registry also for an image that is there; true: the image was absent.
    pub async fn pull_image(
        self: &Arc<Self>,
        node: &str,
        image: &str,
        op: Option<String>,
    ) -> Result<bool, PullError> {
        let refused = self.lock().pull_refused(&self.shape.newest, image);
        if let Some(error) = refused {
            self.sleep(Duration::from_secs(1)).await;
            return Err(error);
        }
        if self.has_image(node, image) {
            return Ok(false);
        }
        self.sleep(PULL).await;
        self.update(|s| s.node_mut(node).add_image(image));
        self.record(node, What::ImagePull { image: image.into() }, op);
        Ok(true)
    }

    pub fn has_image(&self, node: &str, image: &str) -> bool {
        self.lock().node(node).images.contains_key(image)
    }

    /// The image of a pod's sandbox, by containerd's configuration (versions 2 and 3).
    pub fn sandbox_image(&self, node: &str) -> String {
        let text = self.disk(node).text(CONTAINERD_CONFIG);
        let value = |line: &str| {
            let (key, value) = line.split_once('=')?;
            let quoted = value.trim().trim_matches(['"', '\'']);
            matches!(key.trim(), "sandbox_image" | "sandbox").then(|| quoted.to_string())
        };
        text.lines().find_map(value).unwrap_or_else(|| SANDBOX.into())
    }

    /// The kubelet's image garbage collection above its high threshold, at its worst: every image goes that no container uses and that is
    /// not pinned. The kubelet spares the image of its own flag `--pod-infra-container-image`, which need not be containerd's.
    pub fn collect_images(&self, node: &str) {
        let flags = self.disk(node).text("/var/lib/kubelet/kubeadm-flags.env");
        let spared = |image: &str| flags.contains(&format!("--pod-infra-container-image={image}"));
        let gone: Vec<String> = {
            let s = self.lock();
            let n = s.node(node);
            let used = s.used_images(node);
            let stays = |name: &String, image: &Image| used.contains(name) || image.pinned() || spared(name);
            n.images
                .iter()
                .filter(|(name, image)| !stays(name, image))
                .map(|(name, _)| name.clone())
                .collect()
        };
        for image in gone {
            self.remove_image(node, &image);
        }
    }

    /// As `crictl rmi`, which does not look at pins.
    pub fn remove_image(&self, node: &str, image: &str) -> bool {
        let was = self.update(|s| s.node_mut(node).images.remove(image)).is_some();
        if was {
            self.record(node, What::ImageRemoved { image: image.into() }, None);
        }
        was
    }

    /// Images are loaded into every node's runtime from a file, as `ctr -n k8s.io images import` does it.
    pub fn load_images(&self, node: &str, images: &[String]) {
        self.update(|s| images.iter().for_each(|i| s.node_mut(node).add_image(i)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Shape;

    #[tokio::test(start_paused = true)]
    async fn a_collection_spares_used_and_pinned_images() {
        let shape = Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() };
        let world = World::new(shape);
        world.start();
        let [used, old, new] =
            ["v1.31.9", "v1.31.8", "v1.32.9"].map(|v| format!("registry.k8s.io/kube-apiserver:{v}"));
        world.load_images("cp", &[old.clone(), new.clone()]);
        let pin = |s: &mut State| {
            let image = s.node_mut("cp").images.get_mut(&new).unwrap();
            image.labels.insert(PINNED.into(), "pinned".into());
        };
        world.update(pin);
        let sandbox = world.sandbox_image("cp");
        assert!(world.has_image("cp", &sandbox));
        world.collect_images("cp");
        let there = [&used, &old, &new, &sandbox].map(|image| world.has_image("cp", image));
        assert_eq!(there, [true, false, true, false]);
        assert!(world.has_image("cp", "registry.k8s.io/pause:3.10"), "the kubelet's own flag names it");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_registry_no_pull_succeeds() {
        let world =
            World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
        let image = "registry.k8s.io/kube-apiserver:v1.31.9";
        assert_eq!(world.pull_image("cp", image, None).await, Ok(false));
        let unknown =
            world.pull_image("cp", "registry.k8s.io/kube-apiserver:v1.32.99", None).await.unwrap_err();
        assert_eq!(unknown.code, "NotFound");
        world.update(|s| s.registry_away = true);
        let error = world.pull_image("cp", image, None).await.unwrap_err();
        assert!(error.to_string().contains("lookup registry.k8s.io on"), "{error}");
    }
}
