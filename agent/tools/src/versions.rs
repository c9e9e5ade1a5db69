//! Versions of the installed binaries, which may differ from those of the packages.

use podlift_host::{Host, Invocation};
use podlift_model::KubeVersion;

/// `None` if the binary is missing or prints something else.
async fn said(host: &Host, program: &'static str, args: &[&str]) -> Option<String> {
    let output = host.commands.run(&Invocation::new(program, args.iter().copied())).await.ok()?;
    output.success().then_some(output.stdout)
}

pub async fn kubeadm(host: &Host) -> Option<KubeVersion> {
    first_version(&said(host, "kubeadm", &["version", "-o", "short"]).await?)
}

pub async fn kubelet(host: &Host) -> Option<KubeVersion> {
    first_version(&said(host, "kubelet", &["--version"]).await?)
}

pub async fn kubectl(host: &Host) -> Option<KubeVersion> {
    first_version(&said(host, "kubectl", &["version", "--client"]).await?)
}

/// The first word that is a version, as in `v1.32.9`, `Kubernetes v1.32.9` or `Client Version: v1.32.9`.
fn first_version(text: &str) -> Option<KubeVersion> {
    text.split_whitespace().filter(|w| w.starts_with('v')).find_map(|w| w.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_say_it() {
        for text in
            ["v1.32.9\n", "Kubernetes v1.32.9\n", "Client Version: v1.32.9\nKustomize Version: v5.5.0\n"]
        {
            assert_eq!(first_version(text), "v1.32.9".parse().ok(), "{text}");
        }
        assert_eq!(first_version("version unknown"), None);
    }
}
