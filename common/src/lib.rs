//! What agent and coordinator share on top of the pure vocabulary: the border to the wire, durable files, clock, configuration,
//! TLS identities, metrics, telemetry. Nothing here knows a step, a plan or an op's implementation.

pub mod clock;
pub mod config;
pub mod durable;
pub mod man;
pub mod metrics;
pub mod rhythm;
pub mod telemetry;
pub mod tls;
pub mod wire;
