//! Scenarios of batches, in one process and under a paused clock.

mod canary;
mod checkpoint;
mod deferred;
mod foreign;
mod gang;
mod groups;
mod racks;
mod window;
