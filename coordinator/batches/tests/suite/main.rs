//! The scheduler as its callers use it.
#![allow(clippy::unwrap_used)] // a test may panic

mod bad_input;
mod canaries;
mod check;
mod elastic;
mod fleet;
mod forecasts;
mod orders;
mod own_rules;
mod packing;
mod play;
mod properties;
mod speed;
mod topologies;
