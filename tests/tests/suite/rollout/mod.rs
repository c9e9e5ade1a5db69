//! Scenarios of batches, in one process and under a paused clock.

mod bad_input;
mod before;
mod canary;
mod checkpoint;
mod deferred;
mod foreign;
mod gang;
mod groups;
mod minors;
mod racks;
mod window;
