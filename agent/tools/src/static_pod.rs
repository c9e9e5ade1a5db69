//! A static pod's manifest of any program, etcd's too: containers with their command lines, environment and volumes. Only reads; what the
//! heal may touch is known by `podlift_heal::manifest` alone.

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
    command: Option<Vec<String>>,
    #[serde(default)]
    args: Option<Vec<String>>,
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

/// What a pod's manifest holds.
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

    /// The container of that name, which is that of its program.
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

    /// Flags of the program that has the container's name.
    pub fn flags(&self) -> Result<FlagSet, Opaque> {
        let words: Vec<&str> = self.command.iter().chain(&self.args).flatten().map(String::as_str).collect();
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

    #[test]
    fn what_the_kubelet_reads_and_what_it_does_not() {
        let twice = "spec:\n  containers: []\nspec:\n  containers:\n  - name: etcd\n    image: x\n    command: [etcd, --name, a]\n---\nspec: {\n";
        let pod = StaticPod::read(twice).unwrap();
        let flags = pod.container("etcd").unwrap().flags().unwrap();
        assert_eq!(flags.joined("name").as_deref(), Some("a"));
        let shell = "spec:\n  containers:\n  - name: etcd\n    command: [sh, -c, etcd --name=a]\n";
        let shell = StaticPod::read(shell).unwrap();
        assert!(
            shell.container("etcd").unwrap().flags().unwrap_err().to_string().starts_with("opaque: sh -c")
        );
        for (text, want) in
            [("", "it is no pod manifest"), ("spec: {", "it is no pod manifest"), ("a: 1\n", "no spec")]
        {
            assert!(StaticPod::read(text).unwrap_err().contains(want), "{text:?}");
        }
        let none = StaticPod::read("spec:\n  containers:\n").unwrap();
        assert_eq!(none.container("etcd").unwrap_err(), "it has no container named etcd");
    }
}
