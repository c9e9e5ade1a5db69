//! A lab on this machine: the World behind a unix socket, API fronts and a proxy on loopback addresses, and real agents and a real
//! coordinator as processes of their own. Nothing of it outlives the supervisor, however that ends.

pub mod away;
mod call;
pub mod child;
pub mod client;
mod client_certificates;
pub mod clients;
pub mod cmdaemon;
mod configs;
mod front;
mod healthz;
mod ingress;
mod instance;
mod lab;
pub mod machines;
mod own;
mod pki;
mod processes;
mod proxy;
mod recorder;
mod scratch;
mod serve;
mod socket;
mod tree;

pub use call::Called;
pub use configs::{HealMode, Tuning};
pub use lab::{Before, COORDINATOR, Lab, Options, SECOND};
pub use processes::Processes;
