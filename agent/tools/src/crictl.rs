//! `crictl`: containers of this node, without an API server.

use super::{must, run};
use podlift_heal::Runtime;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use podlift_model::op::Component;
use serde::Deserialize;
use std::time::Duration;

/// One container of `crictl ps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub running: bool,
    pub attempt: u32,
    /// Nanoseconds.
    pub created: i128,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    containers: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    state: String,
    /// A number in quotes.
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

/// What `crictl inspect` tells of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    pub image: String,
    /// The command line it was started with.
    pub words: Vec<String>,
    pub exit_code: Option<i32>,
}

/// Newest first.
pub async fn containers(host: &Host, name: &str) -> Result<Vec<Container>, Failure> {
    let text = must(host, &Invocation::new("crictl", ["ps", "-a", "--name", name, "-o", "json"])).await?;
    parse_list(&text, name)
}

/// The pod of a component that runs now, with the kubelet's hash of the manifest that it was made from.
pub async fn runtime(_host: &Host, _component: Component) -> Runtime {
    Runtime::Unknown("it was not asked".into())
}

pub async fn inspect(host: &Host, id: &str) -> Result<Inspected, Failure> {
    let text = must(host, &Invocation::new("crictl", ["inspect", id])).await?;
    parse_inspect(&text)
}

/// The last lines; a container without a log has none.
pub async fn log_tail(host: &Host, id: &str) -> String {
    match run(host, &Invocation::new("crictl", ["logs", "--tail", "20", id])).await {
        Ok(output) => format!("{}{}", output.stdout, output.stderr).trim_end().to_string(),
        Err(failure) => failure.message,
    }
}

#[derive(Deserialize)]
struct ImageList {
    #[serde(default)]
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    #[serde(default, rename = "repoTags")]
    tags: Option<Vec<String>>,
}

/// Names and tags of the images that are here.
pub async fn images(host: &Host) -> Result<Vec<String>, Failure> {
    parse_images(&must(host, &Invocation::new("crictl", ["images", "-o", "json"])).await?)
}

fn parse_images(text: &str) -> Result<Vec<String>, Failure> {
    let list: ImageList = serde_json::from_str(text).map_err(unreadable)?;
    Ok(list.images.into_iter().flat_map(|i| i.tags.unwrap_or_default()).collect())
}

pub async fn pull(host: &Host, image: &str, limit: Duration) -> Result<(), Failure> {
    let call = Invocation::new("crictl", ["pull", image]).timeout(limit);
    let output = run(host, &call).await?;
    if output.success() {
        return Ok(());
    }
    let message = format!(
        "image {image} could not be pulled; check the registry, its mirror and the proxy of containerd"
    );
    Err(Failure::transient("image-pull-failed", message).with_detail(&output.stderr))
}

fn unreadable(e: impl std::fmt::Display) -> Failure {
    Failure::operator("crictl-answer", format!("crictl printed no JSON that podlift knows: {e}"))
}

/// crictl's own filter is a regular expression, so it may list more.
fn parse_list(text: &str, name: &str) -> Result<Vec<Container>, Failure> {
    let list: List = serde_json::from_str(text).map_err(unreadable)?;
    let container = |c: Listed| Container {
        id: c.id,
        running: c.state == "CONTAINER_RUNNING",
        attempt: c.metadata.attempt,
        created: c
            .created_at
            .as_str()
            .and_then(|t| t.parse().ok())
            .or(c.created_at.as_i64().map(i128::from))
            .unwrap_or(0),
    };
    let mut all: Vec<Container> =
        list.containers.into_iter().filter(|c| c.metadata.name == name).map(container).collect();
    all.sort_by_key(|c| std::cmp::Reverse((c.created, c.attempt)));
    Ok(all)
}

fn parse_inspect(text: &str) -> Result<Inspected, Failure> {
    let said: serde_json::Value = serde_json::from_str(text).map_err(unreadable)?;
    // Some versions answer with a list of one.
    let value = said.get(0).unwrap_or(&said);
    let words = |pointer: &str| -> Vec<String> {
        let list = value.pointer(pointer).and_then(serde_json::Value::as_array);
        list.into_iter().flatten().filter_map(|w| w.as_str().map(String::from)).collect()
    };
    let mut started = words("/info/runtimeSpec/process/args");
    if started.is_empty() {
        started = [words("/info/config/command"), words("/info/config/args")].concat();
    }
    let text = |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
    // The status names the image as the pod asked for it; the configuration only by its id.
    let named = [
        "/status/image/image",
        "/status/image/userSpecifiedImage",
        "/status/imageRef",
        "/info/config/image/image",
    ];
    let named = named
        .into_iter()
        .map(text)
        .find(|t| t.contains(':') && !t.starts_with("sha256:"))
        .unwrap_or_default();
    let over = text("/status/state") == "CONTAINER_EXITED";
    let exit_code = value.pointer("/status/exitCode").and_then(serde_json::Value::as_i64).filter(|_| over);
    Ok(Inspected {
        image: named.into(),
        words: started,
        exit_code: exit_code.and_then(|c| i32::try_from(c).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first() {
        let text = r#"{"containers":[
            {"id":"a","metadata":{"name":"kube-apiserver","attempt":1},"state":"CONTAINER_EXITED","createdAt":"1700000000000000001"},
            {"id":"b","metadata":{"name":"kube-apiserver","attempt":2},"state":"CONTAINER_RUNNING","createdAt":"1700000000000000009"}]}"#;
        let all = parse_list(text, "kube-apiserver").unwrap();
        assert_eq!(
            (all[0].id.as_str(), all[0].running, all[0].attempt, all[1].id.as_str()),
            ("b", true, 2, "a")
        );
        assert_eq!(parse_list("{}", "x").unwrap(), vec![]);
        assert_eq!(parse_list("x", "x").unwrap_err().code, "crictl-answer");
    }

    #[test]
    fn tags_of_images() {
        let text = r#"{"images":[{"id":"sha256:1","repoTags":["registry.k8s.io/pause:3.10","x:1"]},{"id":"sha256:2","repoTags":null}]}"#;
        assert_eq!(parse_images(text).unwrap(), ["registry.k8s.io/pause:3.10", "x:1"]);
        assert_eq!(parse_images("IMAGE TAG").unwrap_err().code, "crictl-answer");
    }

    #[test]
    fn what_was_started_and_how_it_ended() {
        let text = r#"{"status":{"state":"CONTAINER_EXITED","exitCode":1,"image":{"image":"registry.k8s.io/kube-apiserver:v1.32.9"}},
            "info":{"config":{"image":{"image":"sha256:1"}},"runtimeSpec":{"process":{"args":["kube-apiserver","--etcd-servers="]}}}}"#;
        let seen = parse_inspect(text).unwrap();
        assert_eq!(seen.exit_code, Some(1));
        assert_eq!(seen.image, "registry.k8s.io/kube-apiserver:v1.32.9");
        assert_eq!(seen.words, ["kube-apiserver", "--etcd-servers="]);
        let alive = parse_inspect(r#"{"status":{"state":"CONTAINER_RUNNING","exitCode":0},"info":{"config":{"command":["a"],"args":["b"]}}}"#).unwrap();
        assert_eq!((alive.exit_code, alive.words.len()), (None, 2));
    }
}
