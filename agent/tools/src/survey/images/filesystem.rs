//! The file system of the images against the limits of the kubelet's garbage collection.

use super::super::Site;
use crate::crictl;
use podlift_model::Failure;
use podlift_model::images::ImageFilesystem;
use podlift_model::survey::{KubeletSettings, Seen};
use std::path::Path;

/// The kubelet's defaults.
const HIGH: u8 = 85;
const LOW: u8 = 80;

/// `root` is containerd's own folder, for a runtime that does not name the file system of its images.
pub async fn look(
    site: &Site<'_>,
    kubelet: &Seen<KubeletSettings>,
    root: Option<&str>,
) -> Result<ImageFilesystem, Failure> {
    let folder = match (crictl::image_folder(&site.host).await, root) {
        (Ok(folder), _) => folder,
        (Err(_), Some(root)) => root.to_string(),
        (Err(failure), None) => return Err(failure),
    };
    let unknown = |why: String| Failure::operator("image-filesystem-unknown", why);
    let space = site.files().space(Path::new(&folder)).map_err(|e| unknown(format!("{folder}: {e}")))?;
    if space.capacity_bytes == 0 {
        return Err(unknown(format!("the size of the file system of {folder} is not known")));
    }
    let settings = kubelet.as_ref().map_err(|why| unknown(format!("the kubelet's limits: {why}")))?;
    Ok(ImageFilesystem {
        used_percent: used(space.free_bytes, space.capacity_bytes),
        high_threshold_percent: limit(
            settings,
            "imageGCHighThresholdPercent",
            "image-gc-high-threshold",
            HIGH,
        ),
        low_threshold_percent: limit(settings, "imageGCLowThresholdPercent", "image-gc-low-threshold", LOW),
        available_bytes: space.free_bytes,
        capacity_bytes: space.capacity_bytes,
    })
}

/// As the kubelet calculates it: `100 - available * 100 / capacity`.
fn used(available: u64, capacity: u64) -> u8 {
    let free = u128::from(available) * 100 / u128::from(capacity.max(1));
    100 - u8::try_from(free.min(100)).unwrap_or(100)
}

/// A flag of the kubelet takes precedence over the field of its configuration.
fn limit(settings: &KubeletSettings, field: &str, flag: &str, usual: u8) -> u8 {
    let flag = settings.flags.joined(flag).and_then(|value| value.parse().ok());
    let field = || settings.config.get(field)?.as_u64().and_then(|v| u8::try_from(v).ok());
    flag.or_else(field).unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_model::FlagSet;

    #[test]
    fn limits_and_use_are_the_kubelets() {
        assert_eq!([used(15, 100), used(0, 9), used(9, 9), used(149, 1000)], [85, 100, 0, 86]);
        let settings = |config: serde_json::Value, flags: &[&str]| KubeletSettings {
            config,
            flags: FlagSet::parse(flags.iter().copied()),
            origins: Default::default(),
            running: None,
        };
        let high =
            |s: &KubeletSettings| limit(s, "imageGCHighThresholdPercent", "image-gc-high-threshold", HIGH);
        assert_eq!(high(&settings(serde_json::json!({}), &[])), 85);
        let set = serde_json::json!({"imageGCHighThresholdPercent": 70});
        assert_eq!(high(&settings(set.clone(), &[])), 70);
        assert_eq!(high(&settings(set, &["--image-gc-high-threshold=100"])), 100);
    }
}
