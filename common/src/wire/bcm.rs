//! Ops of a head node on the wire. A name that cmsh could interpret is refused by its field.

use super::WireError;
use super::fields::{field, fields, texts};
use super::op::{pins_from_wire, pins_to_wire};
use podlift_model::bcm::BcmOp;
use podlift_proto::v1::{self, bcm_op::Kind};
use std::collections::BTreeSet;

/// Most nodes of one category; the largest cluster has about 2,000.
const NODES: usize = 10_000;

pub(super) fn bcm_to_wire(op: &BcmOp) -> v1::BcmOp {
    let text = ToString::to_string;
    let kind = match op {
        BcmOp::ImageClone { from, image } => {
            Kind::ImageClone(v1::BcmImageClone { from: from.to_string(), image: image.to_string() })
        }
        BcmOp::ImageRemove { image } => Kind::ImageRemove(v1::BcmImageRemove { image: image.to_string() }),
        BcmOp::ImageLock { image } => Kind::ImageLock(v1::BcmImageLock { image: image.to_string() }),
        BcmOp::ImageUnlock { image } => Kind::ImageUnlock(v1::BcmImageUnlock { image: image.to_string() }),
        BcmOp::ImageSource { image, minor } => {
            Kind::ImageSource(v1::BcmImageSource { image: image.to_string(), minor: text(minor) })
        }
        BcmOp::ImagePackages { image, packages } => Kind::ImagePackages(v1::BcmImagePackages {
            image: image.to_string(),
            packages: pins_to_wire(packages),
        }),
        BcmOp::Provisioners { image } => Kind::Provisioners(v1::BcmProvisioners { image: image.to_string() }),
        BcmOp::AssignImage { node, image } => {
            Kind::AssignImage(v1::BcmAssignImage { node: node.to_string(), image: image.to_string() })
        }
        BcmOp::FollowCategory { node } => {
            Kind::FollowCategory(v1::BcmFollowCategory { node: node.to_string() })
        }
        BcmOp::SyncDryRun { node, image } => {
            Kind::SyncDryRun(v1::BcmSyncDryRun { node: node.to_string(), image: image.to_string() })
        }
        BcmOp::Sync { node, image } => {
            Kind::Sync(v1::BcmSync { node: node.to_string(), image: image.to_string() })
        }
        BcmOp::CategoryImage { category, image, nodes } => Kind::CategoryImage(v1::BcmCategoryImage {
            category: category.to_string(),
            image: image.to_string(),
            nodes: texts(nodes),
        }),
        BcmOp::ClusterVersion { version } => {
            Kind::ClusterVersion(v1::BcmClusterVersion { version: version.to_string() })
        }
        BcmOp::LearnKubeadmConfig => Kind::LearnKubeadmConfig(v1::BcmLearnKubeadmConfig {}),
    };
    v1::BcmOp { kind: Some(kind) }
}

pub(super) fn bcm_from_wire(op: &v1::BcmOp) -> Result<BcmOp, WireError> {
    let unknown = || WireError::new("bcm.kind", "missing or not known to this podlift: upgrade the agent");
    Ok(match op.kind.as_ref().ok_or_else(unknown)? {
        Kind::ImageClone(o) => clone(o)?,
        Kind::ImageRemove(o) => BcmOp::ImageRemove { image: field("image_remove.image", &o.image)? },
        Kind::ImageLock(o) => BcmOp::ImageLock { image: field("image_lock.image", &o.image)? },
        Kind::ImageUnlock(o) => BcmOp::ImageUnlock { image: field("image_unlock.image", &o.image)? },
        Kind::ImageSource(o) => BcmOp::ImageSource {
            image: field("image_source.image", &o.image)?,
            minor: field("image_source.minor", &o.minor)?,
        },
        Kind::ImagePackages(o) => BcmOp::ImagePackages {
            image: field("image_packages.image", &o.image)?,
            packages: pins_from_wire(&o.packages)?,
        },
        Kind::Provisioners(o) => BcmOp::Provisioners { image: field("provisioners.image", &o.image)? },
        Kind::AssignImage(o) => BcmOp::AssignImage {
            node: field("assign_image.node", &o.node)?,
            image: field("assign_image.image", &o.image)?,
        },
        Kind::FollowCategory(o) => BcmOp::FollowCategory { node: field("follow_category.node", &o.node)? },
        Kind::SyncDryRun(o) => BcmOp::SyncDryRun {
            node: field("sync_dry_run.node", &o.node)?,
            image: field("sync_dry_run.image", &o.image)?,
        },
        Kind::Sync(o) => {
            BcmOp::Sync { node: field("sync.node", &o.node)?, image: field("sync.image", &o.image)? }
        }
        Kind::CategoryImage(o) => category(o)?,
        Kind::ClusterVersion(o) => {
            BcmOp::ClusterVersion { version: field("cluster_version.version", &o.version)? }
        }
        Kind::LearnKubeadmConfig(_) => BcmOp::LearnKubeadmConfig,
    })
}

fn clone(o: &v1::BcmImageClone) -> Result<BcmOp, WireError> {
    if o.from == o.image {
        let why = format!("{:?} is the image that it is a copy of: expected a new name", o.image);
        return Err(WireError::new("image_clone.image", why));
    }
    let (from, image) = (field("image_clone.from", &o.from)?, field("image_clone.image", &o.image)?);
    Ok(BcmOp::ImageClone { from, image })
}

fn category(o: &v1::BcmCategoryImage) -> Result<BcmOp, WireError> {
    if o.nodes.len() > NODES {
        let why = format!("it has {} nodes, expected at most {NODES}", o.nodes.len());
        return Err(WireError::new("category_image.nodes", why));
    }
    let nodes = fields("category_image.nodes", &o.nodes)?;
    let mut seen = BTreeSet::new();
    if let Some(twice) = nodes.iter().find(|node| !seen.insert(*node)) {
        return Err(WireError::new("category_image.nodes", format!("node {twice} is named twice")));
    }
    Ok(BcmOp::CategoryImage {
        category: field("category_image.category", &o.category)?,
        image: field("category_image.image", &o.image)?,
        nodes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_op_survives_the_wire() {
        for op in BcmOp::samples() {
            assert_eq!(bcm_from_wire(&bcm_to_wire(&op)), Ok(op));
        }
    }

    #[test]
    fn what_cmsh_would_interpret_is_refused_by_its_field() {
        let clone = |from: &str, image: &str| {
            Kind::ImageClone(v1::BcmImageClone { from: from.into(), image: image.into() })
        };
        let sync =
            |node: &str, image: &str| Kind::Sync(v1::BcmSync { node: node.into(), image: image.into() });
        let category = |category: &str, nodes: &[&str]| {
            let nodes = nodes.iter().map(ToString::to_string).collect();
            Kind::CategoryImage(v1::BcmCategoryImage { category: category.into(), image: "a".into(), nodes })
        };
        let packages = |packages| Kind::ImagePackages(v1::BcmImagePackages { image: "a".into(), packages });
        let pin = |name: &str| v1::PackagePin { name: name.into(), version: "1.32.9-1.1".into() };
        for (kind, want) in [
            (clone("a; remove b", "c"), "image_clone.from"),
            (clone("a", "c|d"), "image_clone.image"),
            (clone("a", "a"), "image_clone.image"),
            (sync("dgx030; reboot", "a"), "sync.node"),
            (sync("dgx030", "`id`"), "sync.image"),
            (category("!id", &["dgx030"]), "category_image.category"),
            (category("dgx", &["dgx030", "dgx 31"]), "category_image.nodes"),
            (category("dgx", &["dgx030", "dgx030"]), "category_image.nodes"),
            (packages(vec![]), "packages"),
            (packages(vec![pin("containerd")]), "packages.name"),
            (
                Kind::ClusterVersion(v1::BcmClusterVersion { version: "1.32.9".into() }),
                "cluster_version.version",
            ),
            (
                Kind::ImageSource(v1::BcmImageSource { image: "a".into(), minor: "1.32#".into() }),
                "image_source.minor",
            ),
        ] {
            let refused = bcm_from_wire(&v1::BcmOp { kind: Some(kind) }).unwrap_err();
            assert_eq!(refused.field, want, "{refused}");
        }
        assert_eq!(bcm_from_wire(&v1::BcmOp { kind: None }).unwrap_err().field, "bcm.kind");
        let long = vec![String::from("a"); NODES + 1];
        let kind = Kind::CategoryImage(v1::BcmCategoryImage { nodes: long, ..Default::default() });
        assert_eq!(bcm_from_wire(&v1::BcmOp { kind: Some(kind) }).unwrap_err().field, "category_image.nodes");
    }
}
