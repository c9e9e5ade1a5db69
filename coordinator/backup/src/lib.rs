//! A backup as a set: one directory for each run. `manifest.json` names every member with its hash, and `SEAL` holds the manifest's own
//! hash. A set is made in a dot-directory and gets its name by one rename when it is complete, so a named set was complete at that time.
//! This crate does not access nodes or the cluster; the coordinator supplies the bytes.
//!
//! ```text
//! ROOT/ID/manifest.json   the members, and what was left out and why
//! ROOT/ID/SEAL            SHA-256 of manifest.json
//! ROOT/ID/cluster/…       objects as raw JSON
//! ROOT/ID/nodes/NODE/…    files of a node, under their paths
//! ROOT/ID/etcd/…          the snapshot
//! ```
#![allow(clippy::disallowed_methods)] // an edge: the files of a backup

mod content;
mod error;
mod hashed;
mod host_copies;
mod kind;
mod list;
mod manifest;
mod open;
mod retain;
mod secret;
mod snapshot;
mod unfinished;
mod verify;
mod writer;

pub use content::{content, has_encrypted};
pub use error::WriteError;
pub use hashed::Hashed;
pub use host_copies::HostCopies;
pub use kind::{Kind, Wanted};
pub use list::{Entry, list};
pub use manifest::{LeftOut, Manifest, Member, Stored};
pub use retain::retain;
pub use secret::{NoRecipient, Recipient};
pub use verify::{Problem, sealed, verify, verify_with};
pub use writer::{About, Begun, Content, Writer};

#[cfg(test)]
mod tests;

const MANIFEST: &str = "manifest.json";
const SEAL: &str = "SEAL";
