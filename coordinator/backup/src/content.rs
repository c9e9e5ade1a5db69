//! Reads one member of a set that is stored in clear, after checking the seal, the cluster and the member's own hash.

use crate::kind::Kind;
use crate::manifest::{Manifest, Stored};
use crate::verify::{self, Problem};
use podlift_common::durable;
use podlift_model::{ClusterName, Digest};
use std::path::Path;

/// The bytes; `None` if the set has no such member in clear. `remembered` is the hash of the set in the journal, if it is there.
pub fn content(
    dir: &Path,
    remembered: Option<&Digest>,
    cluster: &ClusterName,
    kind: Kind,
) -> Result<Option<Vec<u8>>, Problem> {
    let (manifest, _) = verify::opened(dir, remembered)?;
    of_cluster(&manifest, cluster)?;
    let Some(member) = manifest.members.iter().find(|m| m.kind == kind && m.stored == Stored::Plain) else {
        return Ok(None);
    };
    let unreadable = |e: std::io::Error| Problem::Unreadable(member.path.clone(), e.to_string());
    let bytes = durable::read(&dir.join(&member.path)).map_err(unreadable)?;
    match Digest::of(&bytes) == member.sha256 {
        true => Ok(Some(bytes)),
        false => Err(Problem::Changed(member.path.clone())),
    }
}

/// Whether the set has an encrypted member of this kind.
pub fn has_encrypted(manifest: &Manifest, kind: Kind) -> bool {
    manifest.members.iter().any(|m| m.kind == kind && m.stored == Stored::Age)
}

fn of_cluster(manifest: &Manifest, cluster: &ClusterName) -> Result<(), Problem> {
    match manifest.cluster == *cluster {
        true => Ok(()),
        false => Err(Problem::Foreign { found: manifest.cluster.clone(), expected: cluster.clone() }),
    }
}
