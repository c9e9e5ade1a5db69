//! Scenarios of batches, in one process and under a paused clock.

mod gang;
mod racks;
mod window;
