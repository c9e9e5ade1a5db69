//! `crictl images` and `crictl pull`.

use super::unreadable;
use crate::{must, run};
use podlift_host::{Host, Invocation};
use podlift_model::{Failure, codes};
use serde::Deserialize;
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
}

/// Names of the images on this node, with tag and with digest.
pub async fn images(host: &Host) -> Result<Vec<String>, Failure> {
    parse(&must(host, &Invocation::new("crictl", ["images", "-o", "json"])).await?)
}

fn parse(text: &str) -> Result<Vec<String>, Failure> {
    let list: List = serde_json::from_str(text).map_err(unreadable)?;
    let names = |i: Image| i.repo_tags.into_iter().chain(i.repo_digests).flatten();
    Ok(list.images.unwrap_or_default().into_iter().flat_map(names).collect())
}

/// Does nothing for an image that is on this node already: on a node without internet access, people load images by hand.
pub async fn pull(host: &Host, image: &str, limit: Duration) -> Result<(), Failure> {
    if images(host).await.is_ok_and(|here| here.iter().any(|name| name == image)) {
        return Ok(());
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited, said};

    const HERE: &str = r#"{"images":[{"id":"sha256:1","repoTags":["registry.k8s.io/pause:3.10","x:1"],"repoDigests":["registry.k8s.io/pause@sha256:ab"]},{"id":"sha256:2","repoTags":null}]}"#;

    #[test]
    fn tags_and_digests_of_images() {
        assert_eq!(
            parse(HERE).unwrap(),
            ["registry.k8s.io/pause:3.10", "x:1", "registry.k8s.io/pause@sha256:ab"]
        );
        assert_eq!(parse("{}").unwrap(), [""; 0]);
        assert_eq!(parse("IMAGE TAG").unwrap_err().code, "crictl-answer");
    }

    #[tokio::test]
    async fn what_is_here_is_not_asked_for_at_a_registry() {
        let air_gapped = Fakes::new(|call| match call.args[0].as_str() {
            "images" => said(HERE),
            _ => exited(1, "dial tcp: lookup registry.k8s.io: no such host"),
        });
        let limit = Duration::from_secs(1);
        pull(&air_gapped.host, "registry.k8s.io/pause:3.10", limit).await.unwrap();
        assert_eq!(air_gapped.commands.count("crictl pull"), 0);
        let missing = pull(&air_gapped.host, "registry.k8s.io/pause:3.9", limit).await.unwrap_err();
        assert_eq!(
            (missing.code.as_str(), air_gapped.commands.count("crictl pull")),
            ("image-pull-failed", 1)
        );
        let silent = Fakes::new(|call| if call.args[0] == "pull" { said("") } else { exited(1, "no") });
        pull(&silent.host, "x:1", limit).await.unwrap();
        assert_eq!(silent.commands.count("crictl pull x:1"), 1, "a list that can't be had hinders no pull");
    }
}
