//! The World: one whole SuperPOD as plain state behind one lock. Behaviours (doubles, kubelets, API, controllers) lock, change, unlock
//! and only then sleep. The World judges nothing about the product while it runs; it keeps the log that `audit` reads afterwards.

pub mod anonymous;
pub mod audit;
pub mod bcm;
mod build;
pub mod cast;
pub mod certificates;
mod core;
pub mod effects;
pub mod etcd;
pub mod faults;
pub mod firewall;
pub mod gangs;
pub mod groups;
mod holders;
pub mod images;
pub mod kubeadm_config;
mod machines;
pub mod manifests;
mod moved;
pub mod pods;
mod power;
mod seed;
pub mod serving;
pub mod shape;
pub mod site;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod traffic;
pub mod versions;
pub mod written;

pub use self::core::{Hook, Seen, StopPost, World};
pub use audit::Audit;
pub use effects::{Effect, What};
pub use faults::{ApiFault, Fault, FaultAction};
pub use groups::Scheduler;
pub use serving::Warmth;
pub use shape::Shape;
pub use snapshot::{NodeSnapshot, Snapshot};
pub use state::State;
pub use store::{Split, Store};
pub use written::{Writer, Written};
