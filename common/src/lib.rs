//! What agent and coordinator share besides the pure vocabulary: the conversion to the wire, durable files, clock, configuration, TLS
//! identities, metrics, telemetry. This crate knows no step, plan or implementation of an op.

pub mod clock;
pub mod config;
pub mod durable;
pub mod man;
pub mod metrics;
pub mod rhythm;
pub mod telemetry;
pub mod tls;
pub mod wire;
