//! Packages that dpkg has left half done.

use super::{Site, whole};
use crate::dpkg;
use podlift_model::survey::Seen;

pub async fn look(site: &Site<'_>) -> Seen<Vec<String>> {
    dpkg::audit(&site.host).await.map_err(whole)
}
