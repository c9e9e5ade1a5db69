//! The scheduler as its callers use it.

mod bad_input;
mod check;
mod fleet;
mod forecasts;
mod orders;
mod play;
mod properties;
mod speed;
mod topologies;
