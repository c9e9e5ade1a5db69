//! Images that a node needs for a target version, and the file system that holds them.

use crate::seen::Seen;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Document", into = "Document")]
pub struct ImagesState {
    pub needed: Vec<NeededImage>,
    pub filesystem: Seen<ImageFilesystem>,
    /// What could not be found out of the node's images, for example its sandbox image, and why. Empty if `needed` is complete.
    pub unseen: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeededImage {
    /// With registry and tag: `registry.k8s.io/kube-apiserver:v1.32.9`.
    pub image: String,
    pub role: ImageRole,
    pub present: bool,
    /// The kubelet's garbage collection leaves it alone.
    pub pinned: bool,
    /// `None` if the registry was not asked: the image is present, or the look is the cheap one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pullable>,
}

/// Answer of the registry to a request for the image's manifest, through the runtime's own mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "answer", content = "why")]
pub enum Pullable {
    Yes,
    /// The registry does not have it or can't be reached.
    No(String),
    /// The question can't be put the way the runtime pulls, for example because credentials are in the runtime's configuration only.
    Unknown(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageRole {
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
    KubeProxy,
    Coredns,
    /// The image of kubeadm's preflight Job.
    Pause,
    Etcd,
    /// The image in which the runtime starts each pod.
    Sandbox,
    #[serde(other)]
    Other,
}

impl ImageRole {
    /// The role by the image's name: `harbor.local/k8s/coredns/coredns:v1.11.3` is CoreDNS. `Other` if no role has this name.
    pub fn of(image: &str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split(['@', ':']).next().unwrap_or(name);
        match name {
            "kube-apiserver" => Self::KubeApiserver,
            "kube-controller-manager" => Self::KubeControllerManager,
            "kube-scheduler" => Self::KubeScheduler,
            "kube-proxy" => Self::KubeProxy,
            "coredns" => Self::Coredns,
            "pause" => Self::Pause,
            "etcd" => Self::Etcd,
            _ => Self::Other,
        }
    }

    /// Whether kubeadm needs it between the stop of a static pod and its new start.
    pub fn stops_without(self) -> bool {
        use ImageRole::{Etcd, KubeApiserver, KubeControllerManager, KubeScheduler, Sandbox};
        matches!(self, KubeApiserver | KubeControllerManager | KubeScheduler | Etcd | Sandbox)
    }
}

/// The file system of the runtime's images, and the kubelet's limits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageFilesystem {
    /// As the kubelet calculates it: 100 - available * 100 / capacity, in whole percent.
    pub used_percent: u8,
    /// The kubelet removes unused images above this use (`imageGCHighThresholdPercent`, default 85; 100 switches the collection off).
    pub high_threshold_percent: u8,
    /// It removes images until the use is this (`imageGCLowThresholdPercent`, default 80).
    pub low_threshold_percent: u8,
    pub available_bytes: u64,
    pub capacity_bytes: u64,
}

impl ImageFilesystem {
    /// Whether the kubelet's next collection removes unused images.
    pub fn collects(&self) -> bool {
        self.high_threshold_percent < 100 && self.used_percent >= self.high_threshold_percent
    }
}

impl ImagesState {
    /// Images that a kubeadm run needs to start its static pods again and that are not on the node.
    pub fn lacking(&self) -> impl Iterator<Item = &NeededImage> {
        self.needed.iter().filter(|i| !i.present && i.role.stops_without())
    }
}

/// The document: with the lists `present` and `missing` alone in older versions, and with them besides for readers of these.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Document {
    #[serde(default)]
    needed: Option<Vec<NeededImage>>,
    #[serde(default)]
    filesystem: Option<Seen<ImageFilesystem>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unseen: Vec<String>,
    #[serde(default)]
    present: Vec<String>,
    #[serde(default)]
    missing: Vec<String>,
}

impl From<Document> for ImagesState {
    fn from(document: Document) -> Self {
        let of = |present: bool| {
            move |image: String| {
                let role = ImageRole::of(&image);
                NeededImage { image, role, present, pinned: false, pull: None }
            }
        };
        let Document { needed, filesystem, unseen, present, missing } = document;
        let older = || present.into_iter().map(of(true)).chain(missing.into_iter().map(of(false))).collect();
        Self {
            needed: needed.unwrap_or_else(older),
            filesystem: filesystem
                .unwrap_or_else(|| Err("the node's agent is older and does not report it".into())),
            unseen,
        }
    }
}

impl From<ImagesState> for Document {
    fn from(state: ImagesState) -> Self {
        let names = |present| {
            let all = state.needed.iter().filter(|i| i.present == present);
            all.map(|i| i.image.clone()).collect()
        };
        let (present, missing) = (names(true), names(false));
        let ImagesState { needed, filesystem, unseen } = state;
        Self { needed: Some(needed), filesystem: Some(filesystem), unseen, present, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_of_older_agents_are_read_and_older_readers_find_their_fields() {
        let old = json!({"present": ["r/pause:3.10"], "missing": ["r/kube-proxy:v1.32.9"]});
        let read: ImagesState = serde_json::from_value(old.clone()).unwrap();
        let there: Vec<_> = read.needed.iter().map(|i| (i.image.as_str(), i.present)).collect();
        assert_eq!(there, [("r/pause:3.10", true), ("r/kube-proxy:v1.32.9", false)]);
        assert!(read.filesystem.is_err());
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!((&written["present"], &written["missing"]), (&old["present"], &old["missing"]));
        assert_eq!(serde_json::from_value::<ImagesState>(written).unwrap(), read);
    }

    #[test]
    fn a_role_of_a_newer_agent_is_read() {
        assert_eq!(serde_json::from_value::<ImageRole>(json!("konnectivity")).unwrap(), ImageRole::Other);
        assert_eq!(serde_json::to_value(ImageRole::Coredns).unwrap(), "coredns");
        assert_eq!(ImageRole::of("h.local:5000/k8s/coredns/coredns:v1.11.3"), ImageRole::Coredns);
        assert_eq!(ImageRole::of("r/pause@sha256:ab"), ImageRole::Pause);
    }

    #[test]
    fn the_collection_begins_at_the_high_threshold() {
        let at = |used_percent, high_threshold_percent| {
            let low_threshold_percent = 80;
            ImageFilesystem {
                used_percent,
                high_threshold_percent,
                low_threshold_percent,
                available_bytes: 1,
                capacity_bytes: 9,
            }
            .collects()
        };
        assert_eq!([at(84, 85), at(85, 85), at(99, 100)], [false, true, false]);
    }
}
