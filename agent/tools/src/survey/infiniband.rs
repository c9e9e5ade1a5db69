//! InfiniBand devices that the kernel lists.

use super::Site;

pub fn look(site: &Site<'_>) -> Result<Vec<String>, String> {
    site.names(podlift_host::paths::INFINIBAND)
}
