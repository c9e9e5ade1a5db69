//! The manifest directory as the kubelet reads it (`pkg/kubelet/config/file.go`): every name that does not start with a dot, whatever
//! its extension; no folders; the last file wins; the pod's hash covers its meaning, the node and the file's path, not its formatting.

use super::decode;
use crate::disk::Disk;
use crate::world::manifests::DIR;
use podlift_agent::host::FileKind;
use podlift_model::Digest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A static pod that should run.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Pod name without the node's.
    pub name: String,
    pub file: String,
    pub hash: String,
    /// Of the kubelet that read it; 0 where none did.
    pub minor: u16,
    pub pod: Value,
}

/// What is started for one container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub name: String,
    pub image: String,
    pub args: Vec<String>,
}

impl Manifest {
    /// The component's own container: the one of its name, else the first.
    pub fn main(&self) -> Started {
        let mut all = self.containers();
        let at = all.iter().position(|c| c.name == self.name).unwrap_or(0);
        match all.is_empty() {
            true => Started { name: self.name.clone(), image: String::new(), args: vec![] },
            // A pod's only container counts as the component, whatever its name is.
            false => Started { name: self.name.clone(), ..all.swap_remove(at) },
        }
    }

    /// The others of the pod.
    pub fn beside(&self) -> Vec<Started> {
        let mut all = self.containers();
        let at = all.iter().position(|c| c.name == self.name).unwrap_or(0);
        if at < all.len() {
            all.remove(at);
        }
        all
    }

    fn containers(&self) -> Vec<Started> {
        let all = self.pod["spec"]["containers"].as_array().into_iter().flatten();
        all.map(started).collect()
    }

    /// The hash is over a dump of the Pod type with the names of its fields, and every minor adds fields: the kubelet of another minor
    /// gives an unchanged file another hash. A uid in the file stays.
    fn of_minor(self, minor: u16) -> Self {
        if self.own_uid().is_some() {
            return Self { minor, ..self };
        }
        let hash = Digest::of(format!("{}of 1.{minor}", self.hash)).as_str()[..32].to_string();
        Self { hash, minor, ..self }
    }

    fn own_uid(&self) -> Option<&str> {
        self.pod["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty())
    }

    /// Of all its containers.
    pub fn images(&self) -> impl Iterator<Item = String> {
        self.containers().into_iter().map(|c| c.image).filter(|i| !i.is_empty())
    }

    pub fn image(&self) -> String {
        self.main().image
    }

    pub fn args(&self) -> Vec<String> {
        self.main().args
    }
}

fn started(container: &Value) -> Started {
    let words = |key: &str| container[key].as_array().cloned().unwrap_or_default();
    let all = words("command").into_iter().chain(words("args"));
    let text = |key: &str| container[key].as_str().unwrap_or_default().to_string();
    Started {
        name: text("name"),
        image: text("image"),
        args: all.filter_map(|w| w.as_str().map(ToString::to_string)).collect(),
    }
}

/// Why a file is no pod.
pub fn parse(text: &[u8], file: &str, node: &str) -> Result<Manifest, String> {
    let pod = decode::pod(text)?;
    let name = pod["metadata"]["name"].as_str().ok_or("not a Pod with a name")?.to_string();
    let hash = Digest::of(format!("{pod}host:{node}file:{DIR}/{file}")).as_str()[..32].to_string();
    let manifest = Manifest { name, file: file.into(), hash, minor: 0, pod };
    // A uid of its own hides every change.
    match manifest.own_uid().map(String::from) {
        Some(hash) => Ok(Manifest { hash, ..manifest }),
        None => Ok(manifest),
    }
}

pub fn visible(name: &str) -> bool {
    !name.starts_with('.')
}

/// One file as a kubelet of this minor reads it: None where it is gone.
pub fn read_one(disk: &dyn Disk, file: &str, node: &str, minor: u16) -> Option<Result<Manifest, String>> {
    let bytes = disk.read(&Path::new(DIR).join(file)).ok()?;
    Some(parse(&bytes, file, node).map(|m| m.of_minor(minor)))
}

/// The whole directory by pod name, as a kubelet of this minor reads it.
pub fn read_all(disk: &dyn Disk, node: &str, minor: u16) -> BTreeMap<String, Manifest> {
    let names = disk.list(Path::new(DIR)).unwrap_or_default();
    let folder = |n: &str| disk.stat(&Path::new(DIR).join(n)).is_ok_and(|s| s.kind == FileKind::Directory);
    let mut files: Vec<String> = names.into_iter().filter(|n| visible(n) && !folder(n)).collect();
    files.sort();
    let pods = files.iter().filter_map(|f| read_one(disk, f, node, minor)?.ok());
    pods.map(|m| (m.name.clone(), m)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../fixtures/manifests/v1.32.13/kube-scheduler.yaml");

    #[test]
    fn the_hash_is_of_the_meaning() {
        let hash = |text: &str, file: &str| parse(text.as_bytes(), file, "n").unwrap().hash;
        let base = hash(TEXT, "a.yaml");
        let same = [
            format!("# a comment\n{TEXT}"),
            format!("{TEXT}---\nkind: Other\n"),
            TEXT.replace("    - --leader-elect=true\n", "    - '--leader-elect=true'\n"),
            format!("{TEXT}site: unknown\n"),
            TEXT.replace("kind: Pod\n", "kind: Pod\nkind: Pod\n"),
        ];
        for text in &same {
            assert_ne!(text, TEXT);
            assert_eq!(base, hash(text, "a.yaml"), "{text}");
        }
        assert_ne!(base, hash(&TEXT.replace("v1.32.13", "v1.32.9"), "a.yaml"));
        assert_ne!(base, hash(TEXT, "b.yaml"), "renaming restarts");
        let named = |text: &str| text.replace("metadata:\n", "metadata:\n  uid: mine\n");
        assert_eq!(hash(&named(TEXT), "a.yaml"), "mine");
        assert!(parse(b"kind: ConfigMap", "a", "n").is_err());
    }

    #[test]
    fn another_minor_of_the_kubelet_gives_another_hash() {
        let of = |text: &str, minor| parse(text.as_bytes(), "a.yaml", "n").unwrap().of_minor(minor).hash;
        assert_ne!(of(TEXT, 31), of(TEXT, 32));
        let named = TEXT.replace("metadata:\n", "metadata:\n  uid: mine\n");
        assert_eq!(of(&named, 31), of(&named, 32));
    }

    #[test]
    fn the_component_is_the_container_of_its_name() {
        let beside =
            "  containers:\n  - name: log-shipper\n    image: site/shipper:1\n    command: [ship, --v=4]\n";
        let text = TEXT.replace("  containers:\n", beside);
        let pod = parse(text.as_bytes(), "a.yaml", "n").unwrap();
        assert_eq!((pod.main().args[0].as_str(), pod.beside().len()), ("kube-scheduler", 1));
        assert_eq!(pod.beside()[0].args, ["ship", "--v=4"]);
    }
}
