//! Scenarios of software images and of BCM's books, in one process and under a paused clock.

mod amnesia;
mod api;
mod config;
mod control_plane;
mod crash;
mod failover;
mod lies;
mod path;
mod unsure;
