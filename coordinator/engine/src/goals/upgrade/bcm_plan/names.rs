//! Names of clones: the old image's name with the target version, and for control-plane nodes with their role.

use crate::inventory::NodeRole;
use podlift_model::KubeVersion;
use podlift_model::bcm::ImageName;

const VERSION: &str = "-k8s-";
const SERVERS: &str = "-control-plane";
/// Longest name of an image whose steps still have valid ids.
const LONGEST: usize = 100;

/// The names that clones of this image for this version may have: for workers and for control-plane nodes.
pub fn clone_names(old: &ImageName, to: KubeVersion) -> Vec<ImageName> {
    [NodeRole::Worker, NodeRole::ControlPlane]
        .into_iter()
        .filter_map(|role| of_clone(old, to, role).ok())
        .collect()
}

/// The name of the clone; an error is the reason why there is none.
pub(super) fn of_clone(old: &ImageName, to: KubeVersion, role: NodeRole) -> Result<ImageName, String> {
    let version = to.to_string();
    let base = base(old.as_str());
    let name = match role {
        NodeRole::Worker => format!("{base}{VERSION}{}", version.trim_start_matches('v')),
        NodeRole::ControlPlane => format!("{base}{VERSION}{}{SERVERS}", version.trim_start_matches('v')),
    };
    if name.len() > LONGEST {
        return Err(format!("its clone would be named {name}, which is longer than {LONGEST} characters"));
    }
    ImageName::new(name).map_err(|e| e.to_string())
}

/// The name without the ending of an earlier clone.
fn base(name: &str) -> &str {
    let body = name.strip_suffix(SERVERS).unwrap_or(name);
    match body.rsplit_once(VERSION) {
        Some((base, version)) if !base.is_empty() && is_version(version) => base,
        _ => name,
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_of_an_earlier_clone_goes_and_any_other_stays() {
        let to = KubeVersion::new(1, 33, 5);
        for (old, worker, server) in [
            ("dgx-image", "dgx-image-k8s-1.33.5", "dgx-image-k8s-1.33.5-control-plane"),
            ("dgx-image-k8s-1.32.9", "dgx-image-k8s-1.33.5", "dgx-image-k8s-1.33.5-control-plane"),
            (
                "k8s-image-k8s-1.32.9-control-plane",
                "k8s-image-k8s-1.33.5",
                "k8s-image-k8s-1.33.5-control-plane",
            ),
            ("my-control-plane", "my-control-plane-k8s-1.33.5", "my-control-plane-k8s-1.33.5-control-plane"),
            ("x-k8s-1.32", "x-k8s-1.32-k8s-1.33.5", "x-k8s-1.32-k8s-1.33.5-control-plane"),
            ("-k8s-1.32.9", "", ""),
        ] {
            let Ok(old) = ImageName::new(old) else { continue };
            let names: Vec<String> = clone_names(&old, to).iter().map(ToString::to_string).collect();
            assert_eq!(names, [worker, server], "{old}");
        }
        let long = ImageName::new("x".repeat(110)).unwrap();
        assert!(of_clone(&long, to, NodeRole::Worker).unwrap_err().contains("longer than 100"));
        assert!(clone_names(&long, to).is_empty());
    }
}
