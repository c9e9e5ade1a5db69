//! The node agent: does the node's own work and keeps its static pod manifests whole.

pub mod host;
