//! `crictl ps`: containers of a given name, and those that run in a pod.

use super::{nanoseconds, unreadable};
use crate::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use serde::Deserialize;

/// One container of `crictl ps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    /// Id of its pod's sandbox.
    pub pod: String,
    pub running: bool,
    pub attempt: u32,
    /// Time of creation, nanoseconds since the epoch.
    pub created: i128,
}

/// A container that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningContainer {
    pub id: String,
    /// Its name in the pod.
    pub name: String,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    containers: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default, rename = "podSandboxId")]
    pod: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    state: String,
    #[serde(default, rename = "createdAt")]
    created_at: serde_json::Value,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    attempt: u32,
}

/// The containers of that name, newest first.
pub async fn containers(host: &Host, name: &str) -> Result<Vec<Container>, Failure> {
    let text = must(host, &Invocation::new("crictl", ["ps", "-a", "--name", name, "-o", "json"])).await?;
    parse(&text, name)
}

/// Filters by the exact name, because crictl's own filter is a regular expression and may list more.
pub(super) fn parse(text: &str, name: &str) -> Result<Vec<Container>, Failure> {
    let list: List = serde_json::from_str(text).map_err(unreadable)?;
    let container = |c: Listed| Container {
        id: c.id,
        pod: c.pod,
        running: c.state == "CONTAINER_RUNNING",
        attempt: c.metadata.attempt,
        created: nanoseconds(&c.created_at).unwrap_or(0),
    };
    let mut all: Vec<Container> = list
        .containers
        .unwrap_or_default()
        .into_iter()
        .filter(|c| c.metadata.name == name)
        .map(container)
        .collect();
    all.sort_by_key(|c| std::cmp::Reverse((c.created, c.attempt)));
    Ok(all)
}

/// The containers that run in the pod of this sandbox, by name.
pub async fn running_in(host: &Host, sandbox: &str) -> Result<Vec<RunningContainer>, Failure> {
    let args = ["ps", "--pod", sandbox, "--state", "running", "-o", "json"];
    parse_running(&must(host, &Invocation::new("crictl", args)).await?, sandbox)
}

/// Compares the whole id, because crictl's filter takes the beginning of one.
fn parse_running(text: &str, sandbox: &str) -> Result<Vec<RunningContainer>, Failure> {
    let list: List = serde_json::from_str(text).map_err(unreadable)?;
    let own = |c: &Listed| c.pod == sandbox && c.state == "CONTAINER_RUNNING";
    let all = list.containers.unwrap_or_default().into_iter().filter(own);
    let mut all: Vec<RunningContainer> =
        all.map(|c| RunningContainer { id: c.id, name: c.metadata.name }).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_in_a_pod() {
        let text = r#"{"containers":[
            {"id":"b","podSandboxId":"p1","metadata":{"name":"train"},"state":"CONTAINER_RUNNING"},
            {"id":"a","podSandboxId":"p1","metadata":{"name":"logs"},"state":"CONTAINER_RUNNING"},
            {"id":"c","podSandboxId":"p1","metadata":{"name":"init"},"state":"CONTAINER_EXITED"},
            {"id":"d","podSandboxId":"p12","metadata":{"name":"other"},"state":"CONTAINER_RUNNING"}]}"#;
        let names = |text| {
            let all = parse_running(text, "p1").unwrap();
            all.into_iter().map(|c| (c.name, c.id)).collect::<Vec<_>>()
        };
        assert_eq!(names(text), [("logs".into(), "a".into()), ("train".into(), "b".into())]);
        assert_eq!(names(r#"{"containers":null}"#), []);
    }

    #[test]
    fn newest_first() {
        let text = r#"{"containers":[
            {"id":"a","podSandboxId":"p1","metadata":{"name":"kube-apiserver","attempt":1},"state":"CONTAINER_EXITED","createdAt":"1700000000000000001"},
            {"id":"x","podSandboxId":"p3","metadata":{"name":"kube-apiserver-proxy","attempt":0},"state":"CONTAINER_RUNNING","createdAt":"1800000000000000001"},
            {"id":"b","podSandboxId":"p2","metadata":{"name":"kube-apiserver","attempt":2},"state":"CONTAINER_RUNNING","createdAt":"1700000000000000009"}]}"#;
        let all = parse(text, "kube-apiserver").unwrap();
        let shown: Vec<_> =
            all.iter().map(|c| (c.id.as_str(), c.pod.as_str(), c.running, c.attempt)).collect();
        assert_eq!(shown, [("b", "p2", true, 2), ("a", "p1", false, 1)]);
        assert_eq!(parse("{}", "x").unwrap(), vec![]);
        assert_eq!(parse("x", "x").unwrap_err().code, "crictl-answer");
    }
}
