//! A static pod manifest as the heal sees it: the command line of the component's container, the bytes of each word, and the whole manifest
//! as the kubelet decodes it. Pure. It never guesses: a command line that it can't know is opaque, with the reason.

use crate::yaml::{self, Node, ReadError};
use podlift_model::command::{CommandLine, FlagUse, Opaque};
use podlift_model::op::Component;
use podlift_model::{Digest, FlagSet, KubeVersion};
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;

/// What the heal knows of a manifest that it could parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub component: Component,
    pub image: String,
    /// Version in the image's tag; `None` if the tag is no version.
    pub version: Option<KubeVersion>,
    /// host:port of the API server, from kubeadm's annotation.
    pub advertise: Option<String>,
    /// Words of `command`, then of `args`.
    pub words: Vec<Word>,
    /// The words as the program reads them, or what hides them.
    pub line: Result<CommandLine, Opaque>,
    /// Mount paths of the container and where they come from.
    pub mounts: Vec<Mount>,
    /// The flags of that line; empty if it is opaque.
    set: FlagSet,
    /// The whole manifest as the kubelet decodes it.
    pub(crate) json: Arc<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub inside: String,
    /// Path on the node; `None` if the mount is not from the node.
    pub node: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub value: String,
    /// The word is in `command` and not in `args`.
    pub command: bool,
    /// Bytes of the scalar, quotes included; `None` if the parser gave no position.
    pub token: Option<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("{}", unread(.0))]
    Read(#[from] ReadError),
    #[error("it is no pod manifest: {field} is {found}, expected {expected}")]
    Shape { field: String, found: String, expected: &'static str },
    /// The kubelet may run the file, but it has no container that podlift knows.
    #[error("it has no container named {0}")]
    NoContainer(Component),
}

fn unread(error: &ReadError) -> String {
    match error {
        ReadError::Syntax(why) => format!("it is no pod manifest: {why}"),
        other => other.to_string(),
    }
}

impl ManifestError {
    /// Whether the kubelet provably can't read it either.
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Read(error) if error.is_certain())
    }
}

const ADVERTISE: &str = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint";

impl Manifest {
    pub fn parse(component: Component, bytes: &[u8]) -> Result<Self, ManifestError> {
        let pod = yaml::read(bytes)?;
        expect_pod(&pod)?;
        let spec = part(&pod, "spec", "spec")?;
        let container = container(spec, component)?.ok_or(ManifestError::NoContainer(component))?;
        let image = text(container, "image", "image")?.unwrap_or_default();
        let mut words = words(container, "command", true)?;
        words.extend(self::words(container, "args", false)?);
        let values: Vec<&str> = words.iter().map(|w| w.value.as_str()).collect();
        let line = CommandLine::read(component.name(), &values);
        Ok(Self {
            component,
            version: version_of(&image),
            image,
            advertise: advertise(&pod)?,
            set: line.as_ref().map(FlagSet::from).unwrap_or_default(),
            line,
            mounts: mounts(spec, container)?,
            words,
            json: Arc::new(pod.json()),
        })
    }

    /// Why the flags can't be known; `None` if they are known. The heal does not learn from an opaque manifest, edit it or restore over it.
    pub fn opaque(&self) -> Option<String> {
        self.line.as_ref().err().map(ToString::to_string)
    }

    /// Where a path of the container is on the node; `None` if no mount from the node contains it.
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

    /// The flags; empty if the command line is opaque.
    pub fn flags(&self) -> FlagSet {
        self.set.clone()
    }

    pub(crate) fn flag_set(&self) -> &FlagSet {
        &self.set
    }

    /// All uses of a flag in any form, by its normalised name.
    pub fn find(&self, flag: &str) -> Vec<&FlagUse> {
        self.line.iter().flat_map(|line| &line.flags).filter(|f| f.name == flag).collect()
    }

    /// Hash of what the kubelet decodes. Comments, order of keys, form and mode of the file don't change it.
    pub fn content(&self) -> Digest {
        Digest::of(self.json.to_string())
    }

    /// Image repository in front of the component's name.
    pub fn registry(&self) -> Option<&str> {
        let (name, _) = self.image.split('@').next()?.rsplit_once(':')?;
        name.strip_suffix(self.component.name())?.strip_suffix('/')
    }
}

/// Namespace and name of a file's pod as the kubelet reads it; `None` if the kubelet would take no pod from it.
pub fn identity(bytes: &[u8]) -> Option<(String, String)> {
    let pod = yaml::read(bytes).ok()?;
    expect_pod(&pod).ok()?;
    pod.get("kind")?;
    let metadata = part(&pod, "metadata", "metadata").ok()?;
    let name = text(metadata, "name", "metadata.name").ok()??;
    let namespace = text(metadata, "namespace", "metadata.namespace").ok()?.filter(|n| !n.is_empty());
    Some((namespace.unwrap_or_else(|| "default".into()), name))
}

const NOTHING: &Node = &Node::Null;

/// Fails if the kind is another one than Pod. An absent kind passes, because the caller identifies the pod by the component's container.
fn expect_pod(pod: &Node) -> Result<(), ManifestError> {
    for (field, expected) in [("kind", "Pod"), ("apiVersion", "v1")] {
        match text(pod, field, field)? {
            Some(found) if found != expected => return Err(shape(field, found, expected)),
            _ => {}
        }
    }
    Ok(())
}

fn shape(field: &str, found: impl Into<String>, expected: &'static str) -> ManifestError {
    ManifestError::Shape { field: field.into(), found: found.into(), expected }
}

/// The mapping at `key`; empty if it is absent.
fn part<'a>(of: &'a Node, key: &str, field: &str) -> Result<&'a Node, ManifestError> {
    match of.get(key) {
        None => Ok(NOTHING),
        Some(map @ Node::Map(_)) => Ok(map),
        Some(other) => Err(shape(field, other.kind(), "a mapping")),
    }
}

fn list<'a>(of: &'a Node, key: &str, field: &str) -> Result<&'a [Node], ManifestError> {
    match of.get(key) {
        None => Ok(&[]),
        Some(Node::List(all)) => Ok(all),
        Some(other) => Err(shape(field, other.kind(), "a list")),
    }
}

fn text(of: &Node, key: &str, field: &str) -> Result<Option<String>, ManifestError> {
    match of.get(key) {
        None => Ok(None),
        Some(Node::Text(text)) => Ok(Some(text.value.clone())),
        Some(other) => Err(shape(field, other.kind(), "text")),
    }
}

fn container(spec: &Node, component: Component) -> Result<Option<&Node>, ManifestError> {
    let all = list(spec, "containers", "spec.containers")?;
    let named = |c: &&Node| matches!(c.get("name"), Some(Node::Text(name)) if name.value == component.name());
    Ok(all.iter().find(named))
}

/// Decodes a list of texts as Go does: null is an empty text, a number is an error.
fn words(container: &Node, key: &str, command: bool) -> Result<Vec<Word>, ManifestError> {
    let word = |(at, node): (usize, &Node)| match node {
        Node::Text(text) => Ok(Word { value: text.value.clone(), command, token: text.token.clone() }),
        Node::Null => Ok(Word { value: String::new(), command, token: None }),
        other => Err(shape(&format!("{key}[{at}]"), other.kind(), "text (in quotes)")),
    };
    list(container, key, key)?.iter().enumerate().map(word).collect()
}

fn advertise(pod: &Node) -> Result<Option<String>, ManifestError> {
    let metadata = part(pod, "metadata", "metadata")?;
    let annotations = part(metadata, "annotations", "metadata.annotations")?;
    if let Node::Map(all) = annotations {
        for (key, _) in all {
            text(annotations, key, key)?;
        }
    }
    text(annotations, ADVERTISE, ADVERTISE)
}

fn mounts(spec: &Node, container: &Node) -> Result<Vec<Mount>, ManifestError> {
    let volumes = list(spec, "volumes", "spec.volumes")?;
    let mount = |mount: &Node| {
        let name = text(mount, "name", "volumeMounts.name")?;
        let inside = text(mount, "mountPath", "volumeMounts.mountPath")?.unwrap_or_default();
        Ok(Mount { inside, node: node_path(volumes, name.as_deref())? })
    };
    list(container, "volumeMounts", "volumeMounts")?.iter().map(mount).collect()
}

fn node_path(volumes: &[Node], name: Option<&str>) -> Result<Option<String>, ManifestError> {
    for volume in volumes {
        if text(volume, "name", "volumes.name")?.as_deref() == name {
            let host = part(volume, "hostPath", "volumes.hostPath")?;
            return text(host, "path", "volumes.hostPath.path");
        }
    }
    Ok(None)
}

/// Tag of an image as a version; a digest behind it is ignored.
pub fn version_of(image: &str) -> Option<KubeVersion> {
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    tag.parse().ok()
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
            ("kind: List\nitems: []\n", "it is no pod manifest: kind is List, expected Pod"),
            (
                "spec:\n  containers:\n  - name: kube-apiserver\n    command:\n    - 123\n",
                "it is no pod manifest: command[0] is a number, expected text (in quotes)",
            ),
        ];
        for (text, want) in cases {
            let e = Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap_err().to_string();
            assert!(e.starts_with(want), "{text:?}: {e}");
        }
    }
}
