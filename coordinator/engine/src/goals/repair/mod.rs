//! The repair: it brings what a heal, a comparison or a failed run left to its end without an upgrade. kubeadm-config, kubelet-config and
//! the files for `kubeadm --patches` are brought in line with what runs, and the fleet is verified. The version stays.

mod build;
mod order;
mod version;

pub use build::build;

#[cfg(test)]
mod tests;
