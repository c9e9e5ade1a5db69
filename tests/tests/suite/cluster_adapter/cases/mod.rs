//! What the adapter must do with every API server. Each case has nodes and a namespace of its own.

pub mod config;
pub mod cordon;
pub mod drain;
