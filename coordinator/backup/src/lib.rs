//! A backup as a set: one directory a run, every member named with its hash in `manifest.json`, and the manifest's own hash in `SEAL`.
//! A set is made in a dot-directory and gets its name by one rename when it is whole: what has a name was complete when it got it.
//! Nothing here talks to a node or a cluster; the coordinator brings the bytes.
//!
//! ```text
//! ROOT/ID/manifest.json   what is in it, what was left out and why
//! ROOT/ID/SEAL            SHA-256 of manifest.json
//! ROOT/ID/cluster/…       objects as raw JSON
//! ROOT/ID/nodes/NODE/…    files of a node, under their paths
//! ROOT/ID/etcd/…          the snapshot
//! ```
#![allow(clippy::disallowed_methods)] // an edge: the files of a backup

mod hashed;
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

pub use hashed::Hashed;
pub use kind::{Kind, Wanted};
pub use list::{Entry, list};
pub use manifest::{LeftOut, Manifest, Member, Stored};
pub use retain::retain;
pub use secret::{NoRecipient, Recipient};
pub use verify::{Problem, sealed, verify, verify_with};
pub use writer::{About, Begun, Content, WriteError, Writer};

#[cfg(test)]
mod tests;

const MANIFEST: &str = "manifest.json";
const SEAL: &str = "SEAL";
