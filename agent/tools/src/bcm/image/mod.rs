//! A software image as its files show it.

mod agent;
mod inside;
mod pins;
mod root;
mod size;

pub use inside::{left, look as inside, mounts, processes};
pub use root::Root;
pub use size::{LONG, SHORT, look as size};

use super::images::Listed;
use super::{images, lock};
use crate::{dpkg_query, sources};
use podlift_host::Host;
use podlift_model::Failure;
use podlift_model::bcm::{BcmImage, ImageName};
use std::collections::BTreeMap;
use std::path::Path;

/// All images as BCM lists them. Their files are not looked at, and until then each counts as locked.
pub async fn all(host: &Host) -> Result<Vec<BcmImage>, Failure> {
    let unseen = |listed: Listed| BcmImage {
        name: listed.name,
        path: listed.path,
        kernel: listed.kernel,
        locked: true,
        arch: None,
        packages: BTreeMap::new(),
        source: None,
        size_bytes: None,
        free_bytes: None,
        inside: vec![],
        agent: false,
        pins: vec![],
    };
    Ok(images::look(host).await?.into_iter().map(unseen).collect())
}

/// One image; `None` if BCM has none of that name. Its size is not counted.
pub async fn find(host: &Host, image: &ImageName) -> Result<Option<BcmImage>, Failure> {
    match images::find(host, image).await? {
        Some(listed) => Ok(Some(of(host, &listed).await?)),
        None => Ok(None),
    }
}

async fn of(host: &Host, listed: &Listed) -> Result<BcmImage, Failure> {
    let packages = dpkg_query::of_image(host, &listed.path).await?;
    let known = packages.known.into_iter().map(|(package, state)| (package.name().to_string(), state));
    let root = Root::new(host.files.as_ref(), &listed.path);
    Ok(BcmImage {
        name: listed.name.clone(),
        path: listed.path.clone(),
        kernel: listed.kernel.clone(),
        // An answer that does not say so counts as locked.
        locked: lock::look(host, &listed.name).await.unwrap_or(true),
        arch: packages.arch,
        packages: known.collect(),
        source: sources::find(&root).ok().and_then(|source| source.minor()),
        size_bytes: None,
        free_bytes: host.files.free_bytes(Path::new(&listed.path)).ok(),
        inside: inside::look(host, &listed.path)?,
        agent: agent::is_there(&root),
        pins: pins::look(&root),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
