//! Ops of a head node, one per file: copies of software images, packages in them, and BCM's own state. Each looks first, makes one change,
//! and looks at the result in a new process. What BCM's tools say is shown to people and decides nothing.

mod assign;
mod category_image;
mod cluster_version;
mod follow;
mod idle;
mod image_clone;
mod image_lock;
mod image_packages;
mod image_remove;
mod image_source;
mod learn_config;
mod memo;
mod own;
mod provisioners;
mod shared;
mod sync;
mod tidy;

pub use own::{is_half, is_own};

use super::{Applied, Cx, Op};
use podlift_model::bcm::BcmOp;

/// What the op changes: two ops of one image or node never run beside each other.
pub fn subject(op: &BcmOp) -> String {
    match op {
        BcmOp::ImageClone { image, .. }
        | BcmOp::ImageRemove { image }
        | BcmOp::ImageLock { image }
        | BcmOp::ImageUnlock { image }
        | BcmOp::ImageSource { image, .. }
        | BcmOp::ImagePackages { image, .. } => format!("image {image}"),
        BcmOp::Provisioners { .. } => "the provisioners".into(),
        BcmOp::AssignImage { node, .. }
        | BcmOp::FollowCategory { node }
        | BcmOp::SyncDryRun { node, .. }
        | BcmOp::Sync { node, .. } => {
            format!("node {node}")
        }
        BcmOp::CategoryImage { category, .. } => format!("category {category}"),
        BcmOp::ClusterVersion { .. } | BcmOp::LearnKubeadmConfig => "the cluster".into(),
    }
}

pub fn implementation(op: BcmOp) -> Box<dyn Op> {
    match op {
        BcmOp::ImageClone { from, image } => Box::new(image_clone::ImageClone { from, image }),
        BcmOp::ImageRemove { image } => Box::new(image_remove::ImageRemove { image }),
        BcmOp::ImageLock { image } => Box::new(image_lock::ImageLock { image, locked: true }),
        BcmOp::ImageUnlock { image } => Box::new(image_lock::ImageLock { image, locked: false }),
        BcmOp::ImageSource { image, minor } => Box::new(image_source::ImageSource { image, minor }),
        BcmOp::ImagePackages { image, packages } => {
            Box::new(image_packages::ImagePackages { image, packages })
        }
        BcmOp::Provisioners { image } => Box::new(provisioners::Provisioners { image }),
        BcmOp::AssignImage { node, image } => Box::new(assign::AssignImage { node, image }),
        BcmOp::FollowCategory { node } => Box::new(follow::FollowCategory { node }),
        BcmOp::SyncDryRun { node, image } => Box::new(sync::Sync { node, image, write: false }),
        BcmOp::Sync { node, image } => Box::new(sync::Sync { node, image, write: true }),
        BcmOp::CategoryImage { category, image, nodes } => {
            Box::new(category_image::CategoryImage { category, image, nodes })
        }
        BcmOp::ClusterVersion { version } => Box::new(cluster_version::ClusterVersion { version }),
        BcmOp::LearnKubeadmConfig => Box::new(learn_config::LearnConfig),
    }
}

#[cfg(test)]
mod tests;
