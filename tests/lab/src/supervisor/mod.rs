//! A lab on this machine: the World behind a unix socket, API fronts and a proxy on loopback addresses, and real agents and a real
//! coordinator as processes of their own. Nothing of it outlives the supervisor, however that ends.

pub mod child;
pub mod client;
mod configs;
mod front;
mod instance;
mod lab;
mod pki;
mod proxy;
mod recorder;
mod scratch;
mod socket;
mod tree;

pub use configs::{HealMode, Pace};
pub use lab::{Lab, Options};
