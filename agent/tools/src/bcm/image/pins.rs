//! apt's preferences of an image that name a Kubernetes package: they may forbid the target's version.

use super::Root;
use podlift_host::Files as _;
use podlift_model::op::Package;
use std::path::Path;

const FOLDER: &str = "/etc/apt/preferences.d";

/// Paths within the image.
pub fn look(root: &Root<'_>) -> Vec<String> {
    let names = root.list(Path::new(FOLDER)).unwrap_or_default();
    let paths = names.iter().map(|name| format!("{FOLDER}/{name}"));
    let all = paths.chain(["/etc/apt/preferences".to_string()]);
    let names_one = |path: &String| {
        let text = root.read(Path::new(path)).unwrap_or_default();
        pins(&String::from_utf8_lossy(&text))
    };
    all.filter(names_one).collect()
}

/// A record `Package: kube*` counts, and one of all packages does not: it is about another repository.
fn pins(text: &str) -> bool {
    let lists = text.lines().filter_map(|line| line.strip_prefix("Package:"));
    lists.flat_map(str::split_whitespace).any(|word| {
        let start = word.strip_suffix('*').filter(|start| !start.is_empty());
        Package::ALL.iter().any(|p| p.name() == word || start.is_some_and(|s| p.name().starts_with(s)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_kubernetes() {
        for (text, want) in [
            ("Package: kubeadm kubelet\nPin: version 1.31.*\nPin-Priority: 1001\n", true),
            ("Package: kube*\nPin: version 1.31.*\n", true),
            ("Package: *\nPin: release l=NVIDIA CUDA\n", false),
            ("# Package: kubeadm\nPackage: cuda-*\n", false),
            ("", false),
        ] {
            assert_eq!(pins(text), want, "{text}");
        }
    }
}
