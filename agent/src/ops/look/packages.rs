//! Exact versions in the target's repository, fetched into a private apt root: the node's own sources and lists stay as they are.

use crate::node::Node;
use crate::ops::shared::file_failure;
use crate::paths::APT_PROBE;
use crate::sources;
use crate::tools::madison::{self, Lists};
use crate::tools::{apt, run};
use podlift_model::facts::PackageOffer;
use podlift_model::op::Package;
use podlift_model::{Failure, KubeVersion};
use std::path::Path;

pub async fn offers(node: &Node, to: KubeVersion) -> Result<Vec<PackageOffer>, Failure> {
    let files = node.host.files.as_ref();
    let (name, text) = sources::find(files)?.alone(to.minor())?;
    let root = Path::new(APT_PROBE);
    // apt makes no folders outside its own: a file in each does.
    for (name, content) in
        [(name, text.as_str()), ("lists/partial/.keep", ""), ("cache/archives/partial/.keep", "")]
    {
        let path = root.join(name);
        files.write(&path, content.as_bytes(), 0o600).map_err(|e| file_failure(&path, &e))?;
    }
    let output = run(&node.host, &apt::update_private(name)).await?;
    let said = format!("{}{}", output.stdout, output.stderr);
    // Over a repository that it could not read apt exits 0, and would offer what it knew before.
    if !output.success() || apt::stale(&said) {
        return Err(apt::judge(&said, &format!("exited {}", output.code)));
    }
    madison::offers(&node.host, Lists::Private(name), Package::ALL).await
}
