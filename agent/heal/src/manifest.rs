//! A static pod manifest as the heal sees it: the command-line words of the component's container, each with the bytes it stands on.
//! Pure. Never guesses: a form that can't be edited line by line is told apart and refused.

use podlift_model::op::Component;
use podlift_model::{FlagSet, KubeVersion};
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::ops::Range;

/// What the heal knows of a manifest that could be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub component: Component,
    pub image: String,
    /// Of the image's tag, where that is a version.
    pub version: Option<KubeVersion>,
    /// host:port of the API server, from kubeadm's annotation.
    pub advertise: Option<String>,
    /// Words of `command`, then of `args`.
    pub words: Vec<Word>,
    /// Paths of the container and where they come from.
    pub mounts: Vec<Mount>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub inside: String,
    /// Path of the node; None: not from the node.
    pub node: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub value: String,
    /// Of `command` rather than of `args`.
    pub command: bool,
    /// Bytes of the scalar, quotes included; None where the parser could not say.
    pub token: Option<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("it is empty")]
    Empty,
    #[error("it is not UTF-8")]
    NotText,
    #[error("it is no pod manifest: {0}")]
    Parse(String),
    #[error("it has no container named {0}")]
    NoContainer(Component),
}

#[derive(Deserialize)]
struct Pod {
    #[serde(default)]
    metadata: Metadata,
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Spec {
    containers: Vec<Container>,
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
    #[serde(default, rename = "hostPath")]
    host_path: Option<HostPath>,
}

#[derive(Deserialize)]
struct HostPath {
    path: String,
}

#[derive(Deserialize)]
struct VolumeMount {
    name: String,
    #[serde(rename = "mountPath")]
    path: String,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    image: String,
    #[serde(default)]
    command: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    args: Option<Vec<Spanned<String>>>,
    #[serde(default, rename = "volumeMounts")]
    mounts: Option<Vec<VolumeMount>>,
}

const ADVERTISE: &str = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint";

impl Manifest {
    pub fn parse(component: Component, bytes: &[u8]) -> Result<Self, ManifestError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::NotText)?;
        if text.trim().is_empty() {
            return Err(ManifestError::Empty);
        }
        let pod: Pod =
            serde_saphyr::from_str(text).map_err(|e| ManifestError::Parse(first_line(&e.to_string())))?;
        let advertise = pod.metadata.annotations.and_then(|mut a| a.remove(ADVERTISE));
        let container = pod.spec.containers.into_iter().find(|c| c.name == component.name());
        let container = container.ok_or(ManifestError::NoContainer(component))?;
        let volumes = pod.spec.volumes.unwrap_or_default();
        let mounts = container.mounts.unwrap_or_default().into_iter().map(|m| mount(m, &volumes)).collect();
        let command = container.command.unwrap_or_default().into_iter().map(|w| word(w, true));
        let args = container.args.unwrap_or_default().into_iter().map(|w| word(w, false));
        let words = command.chain(args).collect();
        Ok(Self {
            component,
            version: version_of(&container.image),
            image: container.image,
            advertise,
            words,
            mounts,
        })
    }

    /// Where a path of the container is on the node; None: it is in no mount from the node.
    pub fn on_node(&self, path: &str) -> Option<String> {
        let below = |m: &Mount| -> Option<(usize, String)> {
            let rest = path.strip_prefix(m.inside.trim_end_matches('/'))?;
            let node = m.node.as_ref().filter(|_| rest.is_empty() || rest.starts_with('/'))?;
            Some((m.inside.len(), format!("{}{rest}", node.trim_end_matches('/'))))
        };
        self.mounts.iter().filter_map(below).max_by_key(|(len, _)| *len).map(|(_, node)| node)
    }

    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|w| w.value.as_str())
    }

    pub fn flags(&self) -> FlagSet {
        FlagSet::parse(self.values())
    }

    /// Indices of the words that set `flag`, in the form `--flag=value` or bare.
    pub fn find(&self, flag: &str) -> Vec<usize> {
        let sets = |w: &Word| w.value.strip_prefix("--").is_some_and(|f| f.split('=').next() == Some(flag));
        self.words.iter().enumerate().filter(|(_, w)| sets(w)).map(|(i, _)| i).collect()
    }

    /// Image repository in front of the component's name.
    pub fn registry(&self) -> Option<&str> {
        let (name, _) = self.image.split('@').next()?.rsplit_once(':')?;
        name.strip_suffix(self.component.name())?.strip_suffix('/')
    }
}

/// Namespace and name of a pod, as the kubelet reads a file of its folder; None: it would take no pod from it.
pub fn identity(bytes: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Any {
        kind: String,
        metadata: Names,
    }
    #[derive(Deserialize)]
    struct Names {
        name: String,
        #[serde(default)]
        namespace: Option<String>,
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let any: Any = serde_saphyr::from_str(text).ok()?;
    let namespace = any.metadata.namespace.filter(|n| !n.is_empty()).unwrap_or_else(|| "default".into());
    (any.kind == "Pod").then_some((namespace, any.metadata.name))
}

fn mount(mount: VolumeMount, volumes: &[Volume]) -> Mount {
    let volume = volumes.iter().find(|v| v.name == mount.name);
    Mount { inside: mount.path, node: volume.and_then(|v| v.host_path.as_ref()).map(|h| h.path.clone()) }
}

/// Tag of an image as a version; a digest behind it does not matter.
pub fn version_of(image: &str) -> Option<KubeVersion> {
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    tag.parse().ok()
}

fn word(spanned: Spanned<String>, command: bool) -> Word {
    let span = spanned.referenced.span();
    // An alias shows where it is used, not where its text is: its bytes are of no use.
    let own = spanned.referenced == spanned.defined;
    let token = span.byte_offset().zip(span.byte_len()).filter(|_| own).map(|(start, len)| {
        let start = start as usize;
        start..start + len as usize
    });
    Word { value: spanned.value, command, token }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = include_str!("../../../tests/fixtures/manifests/v1.31.14/kube-apiserver.yaml");
    const EMPTY: &str =
        include_str!("../../../tests/fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml");

    #[test]
    fn reads_what_kubeadm_wrote() {
        let m = Manifest::parse(Component::KubeApiserver, LIVE.as_bytes()).unwrap();
        assert_eq!((m.version, m.advertise.as_deref()), ("v1.31.14".parse().ok(), Some("10.77.0.11:6443")));
        assert_eq!(m.registry(), Some("registry.k8s.io"));
        assert_eq!(m.flags().items("etcd-servers").len(), 3);
        let empty = Manifest::parse(Component::KubeApiserver, EMPTY.as_bytes()).unwrap();
        assert_eq!(empty.flags().joined("etcd-servers").as_deref(), Some(""));
        for word in &empty.words {
            assert_eq!(&EMPTY[word.token.clone().unwrap()], word.value);
        }
    }

    #[test]
    fn the_bytes_of_a_word_include_its_quotes() {
        let text = "spec:\n  containers:\n  - name: kube-scheduler\n    image: x:v1.32.9\n    command: [\"a\"]\n    args:\n    - '--ü=1'\n    - \"--b\" # c\n";
        let m = Manifest::parse(Component::KubeScheduler, text.as_bytes()).unwrap();
        let tokens: Vec<_> = m.words.iter().map(|w| &text[w.token.clone().unwrap()]).collect();
        assert_eq!(tokens, ["\"a\"", "'--ü=1'", "\"--b\""]);
    }

    #[test]
    fn mounts_and_names() {
        let m = Manifest::parse(Component::KubeApiserver, LIVE.as_bytes()).unwrap();
        assert_eq!(
            m.on_node("/etc/kubernetes/pki/runaicluster/ca.crt").as_deref(),
            Some("/etc/kubernetes/pki/runaicluster/ca.crt")
        );
        assert_eq!(
            (m.on_node("/etc/kubernetes/pki/runaiclusterx"), m.on_node("/var/log/audit.log")),
            (None, None)
        );
        assert_eq!(identity(LIVE.as_bytes()), Some(("kube-system".into(), "kube-apiserver".into())));
        assert_eq!(identity(b"kind: Pod\nmetadata: {name: x}\n"), Some(("default".into(), "x".into())));
        assert_eq!((identity(b"kind: List\nmetadata: {name: x}\n"), identity(b"\xff")), (None, None));
    }

    #[test]
    fn says_why_it_can_not_read() {
        let cases = [
            ("", "it is empty"),
            ("spec:\n  containers: []\n", "it has no container named kube-apiserver"),
            ("spec: {", "it is no pod manifest: "),
            ("spec:\n  containers:\n  - name: kube-apiserver\n", "it is no pod manifest: "),
        ];
        for (text, want) in cases {
            let e = Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap_err().to_string();
            assert!(e.starts_with(want), "{text:?}: {e}");
        }
    }
}
