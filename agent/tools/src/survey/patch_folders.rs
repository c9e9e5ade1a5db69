//! Folders with kubeadm patches from other tools or people on this node. `kubeadm upgrade` uses none of them without `--patches`.

use super::Site;

/// Usual places; kubeadm itself does not store the folder.
const KNOWN: [&str; 5] = [
    "/etc/kubernetes/patches",
    "/etc/kubernetes/patch",
    "/etc/kubernetes/kubeadm/patches",
    "/etc/kubernetes/kubeadm-patches",
    "/etc/kubeadm/patches",
];

/// The folders that hold a file with an ending that kubeadm reads.
pub fn look(site: &Site<'_>) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for dir in KNOWN {
        let patch = |n: &String| [".yaml", ".json"].iter().any(|end| n.ends_with(end)) && !n.starts_with('.');
        if site.names(dir)?.iter().any(patch) {
            out.push(dir.to_string());
        }
    }
    Ok(out)
}
