//! A static pod's manifest of any program, also etcd: containers with their command lines, environment and volumes. Only reads; only
//! `podlift_heal::manifest` decides what the heal may touch.

use crate::yaml;
use podlift_model::FlagSet;
use podlift_model::command::{CommandLine, Opaque};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    containers: Option<Vec<Container>>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Container {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub image: Option<String>,
    #[serde(default)]
    command: Option<Vec<Option<String>>>,
    #[serde(default)]
    args: Option<Vec<Option<String>>>,
    #[serde(default)]
    env: Option<Vec<Env>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Env {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub value: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Volume {
    #[serde(default)]
    pub name: String,
    #[serde(flatten)]
    pub source: BTreeMap<String, Value>,
}

/// The content of a pod's manifest.
#[derive(Debug, Clone, Default)]
pub struct StaticPod {
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
}

impl StaticPod {
    pub fn read(text: &str) -> Result<Self, String> {
        let manifest: Manifest = yaml::first(text).map_err(|why| format!("it is no pod manifest: {why}"))?;
        let spec = manifest.spec.ok_or("it is no pod manifest: it has no spec")?;
        Ok(Self {
            containers: spec.containers.unwrap_or_default(),
            init_containers: spec.init_containers.unwrap_or_default(),
            volumes: spec.volumes.unwrap_or_default(),
        })
    }

    /// The container of that name, which is also the name of its program.
    pub fn container(&self, name: &str) -> Result<&Container, String> {
        let own = self.containers.iter().find(|c| c.is(name));
        own.ok_or_else(|| format!("it has no container named {name}"))
    }
}

impl Container {
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    pub fn env(&self) -> &[Env] {
        self.env.as_deref().unwrap_or_default()
    }

    /// Flags of the program with the container's name. A null is an empty word.
    pub fn flags(&self) -> Result<FlagSet, Opaque> {
        let words = self.command.iter().chain(&self.args).flatten();
        let words: Vec<&str> = words.map(|word| word.as_deref().unwrap_or_default()).collect();
        let program = self.name.as_deref().unwrap_or_default();
        Ok(FlagSet::from(&CommandLine::read(program, &words)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETCD: &str =
        include_str!("../../../tests/fixtures/cases/19-patches-forgotten-for-etcd/live-etcd.yaml");
    const SIDECAR: &str =
        include_str!("../../../tests/fixtures/cases/28-m08-second-container/kube-apiserver.yaml");

    #[test]
    fn flags_of_the_own_container_only() {
        let etcd = StaticPod::read(ETCD).unwrap();
        let flags = etcd.container("etcd").unwrap().flags().unwrap();
        assert_eq!(flags.joined("quota-backend-bytes").as_deref(), Some("8589934592"));
        let api = StaticPod::read(SIDECAR).unwrap();
        let flags = api.container("kube-apiserver").unwrap().flags().unwrap();
        assert_eq!((flags.joined("listen"), flags.joined("v").as_deref()), (None, Some("2")));
    }

    const POD: &str = "spec:\n  containers:\n  - name: etcd\n    image: x\n    command: [etcd, --name, a]\n    env:\n    - name: A\n      value: b\n";

    /// The member's name, and the names of the environment's variables.
    fn read(text: &str) -> Result<(Option<String>, Vec<String>), String> {
        let pod = StaticPod::read(text)?;
        let etcd = pod.container("etcd")?;
        let names = etcd.env().iter().map(|env| env.name.clone()).collect();
        Ok((etcd.flags().map_err(|opaque| opaque.to_string())?.joined("name"), names))
    }

    #[test]
    fn what_the_kubelet_reads() {
        let cases = [
            ("plain", POD.to_string(), "a"),
            ("a marker at the end", format!("{POD}---\n"), "a"),
            ("a second document that is broken", format!("{POD}---\nspec: {{\n"), "a"),
            ("a second document", format!("{POD}---\n{}", POD.replace("--name, a", "--name, b")), "a"),
            ("a doubled key above", format!("spec:\n  containers: []\n{POD}"), "a"),
            ("a doubled key below", format!("{POD}    command: [etcd, --name, c]\n"), "c"),
            (
                "nulls",
                format!("{POD}      valueFrom:\n    args: [~]\n  initContainers:\n  volumes: ~\n"),
                "a",
            ),
            ("nothing for a word", POD.replace("[etcd", "[etcd, ~"), "a"),
        ];
        for (case, text, name) in &cases {
            assert_eq!(read(text), Ok((Some(name.to_string()), vec!["A".to_string()])), "{case}");
        }
        let nameless = format!("{POD}    - name:\n");
        assert_eq!(read(&nameless).unwrap().1, ["A", ""]);
    }

    #[test]
    fn what_it_does_not_read() {
        let shell = "spec:\n  containers:\n  - name: etcd\n    command: [sh, -c, etcd --name=a]\n";
        let cases = [
            ("", "it is no pod manifest: it is empty"),
            ("spec: {", "it is no pod manifest"),
            ("a: 1\n", "no spec"),
            ("spec:\n", "no spec"),
            ("---\n---\nspec: {}\n", "it is empty"),
            ("spec:\n  containers:\n", "it has no container named etcd"),
            ("spec:\n  containers:\n  - name: etcd\n    command: [etcd, 1]\n", "expected a string"),
            (shell, "opaque: sh -c"),
        ];
        for (text, want) in cases {
            let why = read(text).unwrap_err();
            assert!(why.contains(want), "{text:?}: {why}");
        }
    }
}
