//! What the adapter must do, whoever answers. Each case has nodes and a namespace of its own.

pub mod config;
pub mod cordon;
pub mod drain;
