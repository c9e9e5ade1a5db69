//! The site checks of a head node. Nothing is run.

use crate::node::Node;
use podlift_model::Failure;
use podlift_model::site_check::SiteCheckView;
use podlift_tools::site_check;

pub fn list(node: &Node) -> Result<Vec<SiteCheckView>, Failure> {
    site_check::find(node.host.files.as_ref())
}
