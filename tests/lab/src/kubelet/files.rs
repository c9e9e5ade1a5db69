//! The manifest directory as the kubelet reads it (`pkg/kubelet/config/file.go`): every name that does not start with a dot, whatever
//! its extension; the last file wins; the pod's hash covers its meaning, the node and the file's path, not its formatting.

use crate::disk::Disk;
use crate::world::manifests::DIR;
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
    pub pod: Value,
}

impl Manifest {
    pub fn image(&self) -> String {
        self.pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default().into()
    }
    pub fn args(&self) -> Vec<String> {
        let words =
            |key: &str| self.pod["spec"]["containers"][0][key].as_array().cloned().unwrap_or_default();
        let all = words("command").into_iter().chain(words("args"));
        all.filter_map(|w| w.as_str().map(ToString::to_string)).collect()
    }
}

/// Why a file is no pod.
pub fn parse(text: &[u8], file: &str, node: &str) -> Result<Manifest, String> {
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    let pod: Value = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
    let name = pod["metadata"]["name"].as_str().filter(|_| pod["kind"] == "Pod");
    let name = name.ok_or("not a Pod with a name")?.to_string();
    let hash = Digest::of(format!("{pod}host:{node}file:{DIR}/{file}")).as_str()[..32].to_string();
    Ok(Manifest { name, file: file.into(), hash, pod })
}

pub fn visible(name: &str) -> bool {
    !name.starts_with('.')
}

/// One file: None where it is gone or is no pod.
pub fn read_one(disk: &dyn Disk, file: &str, node: &str) -> Option<Result<Manifest, String>> {
    let bytes = disk.read(&Path::new(DIR).join(file)).ok()?;
    Some(parse(&bytes, file, node))
}

/// The whole directory by pod name. None where no file is a pod although there are files: kubelet keeps its store then.
pub fn read_all(disk: &dyn Disk, node: &str) -> Option<BTreeMap<String, Manifest>> {
    let names = disk.list(Path::new(DIR)).unwrap_or_default();
    let files: Vec<String> = names.into_iter().filter(|n| visible(n)).collect();
    let pods = files.iter().filter_map(|f| read_one(disk, f, node)?.ok());
    Some(pods.map(|m| (m.name.clone(), m)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../fixtures/manifests/v1.32.13/kube-scheduler.yaml");

    #[test]
    fn the_hash_is_of_the_meaning() {
        let hash = |text: &str, file: &str| parse(text.as_bytes(), file, "n").unwrap().hash;
        let base = hash(TEXT, "a.yaml");
        assert_eq!(base, hash(&format!("# a comment\n{TEXT}"), "a.yaml"));
        assert_ne!(base, hash(&TEXT.replace("v1.32.13", "v1.32.9"), "a.yaml"));
        assert_ne!(base, hash(TEXT, "b.yaml"), "renaming restarts");
        assert!(parse(b"kind: ConfigMap", "a", "n").is_err());
    }
}
