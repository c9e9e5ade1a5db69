//! `crictl images`, `crictl pull` and `crictl imagefsinfo`.

use super::unreadable;
use crate::{must, run};
use podlift_host::{Host, Invocation};
use podlift_model::{Failure, codes};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    images: Option<Vec<Image>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    pinned: bool,
}

/// Images on this node by name, with tag and with digest, and whether each is pinned.
pub async fn images(host: &Host) -> Result<BTreeMap<String, bool>, Failure> {
    parse(&must(host, &Invocation::new("crictl", ["images", "-o", "json"])).await?)
}

fn parse(text: &str) -> Result<BTreeMap<String, bool>, Failure> {
    let list: List = serde_json::from_str(text).map_err(unreadable)?;
    let names = |i: Image| {
        let pinned = i.pinned;
        i.repo_tags.into_iter().chain(i.repo_digests).flatten().map(move |name| (name, pinned))
    };
    Ok(list.images.unwrap_or_default().into_iter().flat_map(names).collect())
}

/// Pulls one image through the runtime.
pub async fn pull(host: &Host, image: &str, limit: Duration) -> Result<(), Failure> {
    let call = Invocation::new("crictl", ["pull", image]).timeout(limit);
    let output = run(host, &call).await?;
    if output.success() {
        return Ok(());
    }
    let message = format!(
        "image {image} could not be pulled; check the registry, its mirror and the proxy of containerd, or load the image on the node (`ctr -n k8s.io images import`)"
    );
    Err(Failure::transient(codes::IMAGE_PULL_FAILED, message).with_detail(&output.stderr))
}

/// A folder on the file system of the images, as the kubelet learns it from the runtime.
pub async fn image_folder(host: &Host) -> Result<String, Failure> {
    let text = must(host, &Invocation::new("crictl", ["imagefsinfo", "-o", "json"])).await?;
    let said: Value = serde_json::from_str(&text).map_err(unreadable)?;
    folder(&said).ok_or_else(|| unreadable("it names no image file system"))
}

/// Newer versions list file systems below `imageFilesystems`, older ones answer with one file system.
fn folder(said: &Value) -> Option<String> {
    let status = said.get("status").unwrap_or(said);
    let one = status.pointer("/imageFilesystems/0").unwrap_or(status);
    let named = one.pointer("/fsId/mountpoint").and_then(Value::as_str);
    named.filter(|path| path.starts_with('/')).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited};

    const HERE: &str = r#"{"images":[{"id":"sha256:1","repoTags":["registry.k8s.io/pause:3.10","x:1"],"repoDigests":["registry.k8s.io/pause@sha256:ab"],"size":"1","uid":null,"username":"","spec":null,"pinned":true},{"id":"sha256:2","repoTags":null,"pinned":false},{"repoTags":["y:2"]}]}"#;

    #[test]
    fn tags_and_digests_of_images() {
        let all = parse(HERE).unwrap();
        let shown: Vec<_> = all.iter().map(|(name, pinned)| (name.as_str(), *pinned)).collect();
        let pause = "registry.k8s.io/pause";
        let want = [(format!("{pause}:3.10"), true), (format!("{pause}@sha256:ab"), true)];
        let want = want.iter().map(|(n, p)| (n.as_str(), *p)).chain([("x:1", true), ("y:2", false)]);
        assert_eq!(shown, want.collect::<Vec<_>>());
        assert!(parse("{}").unwrap().is_empty());
        assert_eq!(parse("IMAGE TAG").unwrap_err().code, "crictl-answer");
    }

    #[test]
    fn the_folder_in_the_answers_of_all_versions() {
        let root = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";
        let one =
            format!(r#"{{"timestamp":"1","fsId":{{"mountpoint":"{root}"}},"usedBytes":{{"value":"7"}}}}"#);
        for text in [
            format!(r#"{{"status":{{"imageFilesystems":[{one}],"containerFilesystems":[]}}}}"#),
            format!(r#"{{"status":{one}}}"#),
        ] {
            assert_eq!(folder(&serde_json::from_str(&text).unwrap()).as_deref(), Some(root), "{text}");
        }
        assert_eq!(folder(&serde_json::json!({"status": {}})), None);
    }

    #[tokio::test]
    async fn a_pull_that_fails_names_the_image() {
        let air_gapped = Fakes::new(|_| exited(1, "dial tcp: lookup registry.k8s.io: no such host"));
        let missing = pull(&air_gapped.host, "r/pause:3.9", Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(missing.code, codes::IMAGE_PULL_FAILED);
        assert!(missing.message.contains("r/pause:3.9") && missing.detail.contains("no such host"));
    }
}
