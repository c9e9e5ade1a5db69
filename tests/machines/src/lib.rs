//! The machine tier: six machines with a real init, package manager and etcd (systemd-nspawn), on which the product's own packages run.
//! The cluster around them is the lab's World; kubeadm, kubelet, kubectl and crictl are its doubles in real packages. Everything here
//! is an edge: it spawns, mounts and boots. The product must never know of it.
#![allow(clippy::disallowed_methods)] // the whole crate is an edge

pub mod apart;
pub mod base;
pub mod bcm;
pub mod cgroup;
pub mod clean;
pub mod configs;
pub mod deb;
pub mod dpkg;
pub mod etcd;
pub mod faults;
pub mod fleet;
pub mod judge;
pub mod layer;
pub mod machine;
pub mod moved_etcd;
pub mod need;
pub mod network;
pub mod night;
pub mod packages;
pub mod product;
pub mod readme;
pub mod repo;
pub mod scratch;
pub mod serve;
pub mod shell;
pub mod up;
pub mod vip;
pub mod watch;
