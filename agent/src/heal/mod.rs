//! Heals static pod manifests, alone: expectations are on this disk, and coordinator, API server and network may all be gone.

pub mod manifest;
pub mod rules;
pub mod splice;
