//! The real `kubectl` (1.32) against the double, over TLS on loopback: what people and scripts do to nodes and pods around an upgrade.
//! `KUBECTL` names the program where it is not on the PATH; without one these tests fail.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test may panic, spawn a program and write its files

mod drain;
mod front;
mod look;
mod real;
mod run;
mod same;
mod table;
mod write;
mod zoo;
