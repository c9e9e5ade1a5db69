//! `ctr`, containerd's own client: labels of images, and questions to a registry that store nothing on the node.
//!
//! containerd reports an image as pinned to the kubelet if one of its names has the label `io.cri-containerd.pinned=pinned`; the kubelet's
//! garbage collection leaves pinned images alone. Images that podlift pins have a second label, so that only these are released.

use crate::{must, run};
use podlift_host::{Host, Invocation, Output};
use podlift_model::Failure;
use std::time::Duration;

/// The namespace of the kubelet's images.
const KUBERNETES: [&str; 2] = ["-n", "k8s.io"];
const PINNED: &str = "io.cri-containerd.pinned";
const OURS: &str = "podlift.pinned";
const VALUE: &str = "pinned";

fn images<'a>(words: impl IntoIterator<Item = &'a str>) -> Invocation {
    Invocation::new("ctr", KUBERNETES.into_iter().chain(["images"]).chain(words))
}

/// Names of images that are pinned, by anybody.
pub async fn pinned(host: &Host) -> Result<Vec<String>, Failure> {
    labelled(host, PINNED).await
}

/// Names of images that podlift pinned.
pub async fn ours(host: &Host) -> Result<Vec<String>, Failure> {
    labelled(host, OURS).await
}

async fn labelled(host: &Host, label: &str) -> Result<Vec<String>, Failure> {
    let filter = format!("labels.\"{label}\"=={VALUE}");
    let text = must(host, &images(["ls", "-q", &filter])).await?;
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect())
}

pub async fn pin(host: &Host, image: &str) -> Result<(), Failure> {
    let labels = [PINNED, OURS].map(|label| format!("{label}={VALUE}"));
    must(host, &images(["label", image, &labels[0], &labels[1]])).await.map(drop)
}

/// Removes the pin and podlift's mark: containerd drops a label with an empty value.
pub async fn unpin(host: &Host, image: &str) -> Result<(), Failure> {
    let labels = [PINNED, OURS].map(|label| format!("{label}="));
    must(host, &images(["label", image, &labels[0], &labels[1]])).await.map(drop)
}

/// How the runtime reaches a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The folder of mirrors (`certs.d`).
    pub hosts_dir: Option<String>,
    /// Variables of containerd's process that name a proxy.
    pub proxy: Vec<(&'static str, String)>,
}

/// Asks the registry for the image's manifest and prints it. containerd is not asked, and nothing is stored.
pub async fn manifest(host: &Host, image: &str, reach: &Reach) -> Result<Output, Failure> {
    let hosts = reach.hosts_dir.iter().flat_map(|dir| ["--hosts-dir", dir]);
    let args = ["content", "fetch-object"].into_iter().chain(hosts).chain([image]);
    let call = Invocation::new("ctr", args).timeout(Duration::from_secs(10));
    let call = reach.proxy.iter().fold(call, |call, (name, value)| call.env(name, value.as_str()));
    run(host, &call).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn calls() {
        let fakes = Fakes::new(|_| said("registry.k8s.io/pause:3.10\n\n"));
        assert_eq!(ours(&fakes.host).await.unwrap(), ["registry.k8s.io/pause:3.10"]);
        pin(&fakes.host, "a:1").await.unwrap();
        unpin(&fakes.host, "a:1").await.unwrap();
        let reach = Reach { hosts_dir: Some("/etc/containerd/certs.d".into()), proxy: vec![] };
        manifest(&fakes.host, "a:1", &reach).await.unwrap();
        assert_eq!(
            fakes.commands.calls(),
            [
                "ctr -n k8s.io images ls -q labels.\"podlift.pinned\"==pinned",
                "ctr -n k8s.io images label a:1 io.cri-containerd.pinned=pinned podlift.pinned=pinned",
                "ctr -n k8s.io images label a:1 io.cri-containerd.pinned= podlift.pinned=",
                "ctr content fetch-object --hosts-dir /etc/containerd/certs.d a:1",
            ]
        );
    }
}
