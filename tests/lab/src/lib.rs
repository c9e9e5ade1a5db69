//! Doubles of a whole SuperPOD: one World of plain state, the tools that nodes and head node have, kubelets, an API, and the agent's
//! ports on all of it. For the demo and the tests; the product never depends on it and nothing in the product knows of it.

pub mod api;
mod bad_input;
mod bench;
mod cli;
mod controllers;
mod demo;
pub mod disk;
pub mod doubles;
mod host;
mod interrupt;
pub mod kubelet;
mod load;
pub mod objects;
pub mod real;
mod simulate;
mod size;
mod supervisor;
pub use supervisor::{cmdaemon, machines};
mod up;
pub mod world;

/// Recipient of the secrets in a lab's backup; the lab does not have its private key.
pub const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

pub use cli::{main, tool};
pub use doubles::HEAD as HEAD_NODE;
pub use world::{
    ApiFault, Audit, Effect, Fault, FaultAction, Hook, Seen, Shape, Snapshot, State, What, World, Writer,
};
