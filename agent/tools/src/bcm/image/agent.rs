//! Whether podlift's agent is in an image, so that a node that gets the image keeps it.

use super::Root;
use podlift_host::Files as _;
use podlift_model::bcm::OF_IMAGE;
use std::path::Path;

/// Program, unit, and the link that enables the unit.
pub fn is_there(root: &Root<'_>) -> bool {
    OF_IMAGE.iter().all(|path| root.stat(Path::new(path)).is_ok())
}
