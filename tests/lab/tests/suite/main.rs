//! The lab's own tests, in one program: each double against the recordings and the facts.
#![allow(clippy::unwrap_used)] // a test may panic

mod agent;
mod api;
mod api_lists;
mod bcm;
mod common;
mod faults;
mod gangs;
mod kubeadm;
mod kubectl;
mod site;
mod step_aside;
mod tools;
mod transcript;
mod unkind;
