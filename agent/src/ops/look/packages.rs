//! Exact versions in the target's repository, fetched into a private apt root: the node's own sources and lists stay as they are.

use crate::node::Node;
use crate::ops::shared::file_failure;
use crate::paths::{APT_PROBE, APT_SOURCE};
use crate::tools::madison::{self, Lists};
use crate::tools::{apt, run};
use podlift_model::facts::PackageOffer;
use podlift_model::op::Package;
use podlift_model::{Failure, KubeVersion};
use std::path::Path;

pub async fn offers(node: &Node, to: KubeVersion) -> Result<Vec<PackageOffer>, Failure> {
    let files = node.host.files.as_ref();
    let path = Path::new(APT_SOURCE);
    let bytes = files.read(path).map_err(|e| file_failure(path, &e))?;
    let unusable =
        |why: String| Failure::operator("apt-source", format!("{APT_SOURCE} can't be used: {why}"));
    let text = String::from_utf8(bytes).map_err(|_| unusable("it is not text".into()))?;
    let source = apt::with_minor(&text, to.minor()).map_err(|e| unusable(e.to_string()))?;
    let root = Path::new(APT_PROBE);
    // apt makes no folders outside its own: a file in each does.
    for (name, content) in
        [("sources.list", source.as_str()), ("lists/partial/.keep", ""), ("cache/archives/partial/.keep", "")]
    {
        let path = root.join(name);
        files.write(&path, content.as_bytes(), 0o600).map_err(|e| file_failure(&path, &e))?;
    }
    let output = run(&node.host, &apt::update_private()).await?;
    if !output.success() {
        return Err(apt::judge(
            &format!("{}{}", output.stdout, output.stderr),
            &format!("exited {}", output.code),
        ));
    }
    madison::offers(&node.host, Lists::Private, Package::ALL).await
}
