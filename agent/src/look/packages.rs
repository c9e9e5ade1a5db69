//! Exact package versions in the target's repository, from the private apt root.

use crate::node::Node;
use podlift_model::facts::PackageOffer;
use podlift_model::{Failure, KubeVersion};
use podlift_tools::apt_root;

pub async fn offers(node: &Node, to: KubeVersion) -> Result<Vec<PackageOffer>, Failure> {
    Ok(apt_root::fresh(&node.apt_root, &node.host, to).await?.offers)
}
