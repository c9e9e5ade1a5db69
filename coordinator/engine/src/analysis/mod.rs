//! Comparisons of what was seen: what kubeadm would write, whether two values mean the same, what differs after a run. Goals use them to
//! plan and steps to judge. This module does no IO, and writes texts for people only in its findings.

mod compare;
pub(crate) mod endpoints;
mod etcd;
pub(crate) mod kubeadm;
mod kubelet_config;
mod recorded;
pub(crate) mod removed;
pub mod root_cause;

pub use compare::{compare, first_unseen};
pub(crate) use etcd::problems as etcd_problems;
pub use kubelet_config::mend_kubelet_config;
pub use recorded::{not_ready, record_of, seen_of};
