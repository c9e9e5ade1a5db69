//! BCM as the planner sees it: a head node that is alone, and with `images` a software image for each role.

use super::name;
use crate::goals::{BcmView, PlanInput};
use podlift_model::bcm::*;
use podlift_model::{NodeName, PackageVersion};
use std::collections::BTreeMap;

pub const HEAD: &str = "head-01";
/// Image and category of the workers, and of the control-plane nodes.
pub const WORKERS: (&str, &str) = ("dgx-image", "dgx-h100");
pub const SERVERS: (&str, &str) = ("k8s-image", "runai-control-plane");

pub fn image_name(text: &str) -> ImageName {
    ImageName::new(text).unwrap()
}

/// A healthy head node whose BCM provisions no node of the cluster.
pub fn view() -> BcmView {
    BcmView {
        minors: Ok(vec!["1.32".parse().unwrap(), "1.31".parse().unwrap()]),
        recorded: Ok("1.31.9-1.1".parse().unwrap()),
        state: Ok(HeadState {
            mode: HeadMode::Alone,
            text: String::new(),
            cm_setup: Some("11.0-123456".into()),
            bcm: Some("11.0".into()),
            kubeadm_manage: true,
        }),
        nodes: Ok(vec![]),
        images: Ok(vec![]),
        provisioning: Ok(provisioning(&[])),
        clusters: Ok(vec![BcmCluster {
            name: "runaicluster".parse().unwrap(),
            version: "1.31.9-1.1".parse().ok(),
        }]),
        ..BcmView::of(name(HEAD))
    }
}

/// Two provisioners with free slots, which have these images.
pub fn provisioning(images: &[&str]) -> BcmProvisioning {
    let one = |node: &str| Provisioner {
        node: node.into(),
        slots: 10,
        in_use: 0,
        drained: false,
        up_to_date: Some(images.iter().map(|i| image_name(i)).collect()),
    };
    BcmProvisioning {
        idle: true,
        provisioners: vec![one(HEAD), one("head-02")],
        waiting: vec![],
        tasks: vec![],
    }
}

/// An image with these packages, held.
pub fn image(of: &str, version: &str) -> BcmImage {
    let version: PackageVersion = version.parse().unwrap();
    let package = ImagePackage { version: Some(version.clone()), held: true };
    let packages = ["kubeadm", "kubelet", "kubectl"].map(|p| (p.to_string(), package.clone()));
    BcmImage {
        name: image_name(of),
        path: format!("/cm/images/{of}"),
        kernel: "6.8.0-1024-nvidia".into(),
        locked: false,
        arch: Some("amd64".into()),
        packages: BTreeMap::from(packages),
        source: Some(version.kube.minor()),
        size_bytes: Some(20 << 30),
        free_bytes: Some(400 << 30),
        inside: vec![],
        agent: true,
        pins: vec![],
    }
}

pub fn node(of: &str, (image, category): (&str, &str)) -> BcmNode {
    BcmNode {
        name: name(of),
        kind: "PhysicalNode".into(),
        category: CategoryName::new(category).ok(),
        image: Some(image_name(image)),
        from: ImageFrom::Category,
    }
}

/// Exclude lists that keep everything that is protected.
pub fn excludes(node: &NodeName) -> BcmExcludes {
    let all: Vec<String> = PROTECTED.iter().map(ToString::to_string).collect();
    BcmExcludes { node: node.clone(), update: all.clone(), sync: all }
}

/// Gives each node of the cluster a software image by its role.
pub fn with_images(input: &mut PlanInput) {
    let rows = input
        .inventory
        .nodes
        .iter()
        .map(|n| node(n.name.as_str(), if n.view.control_plane { SERVERS } else { WORKERS }));
    let rows: Vec<BcmNode> = rows.collect();
    let Some(view) = &mut input.bcm else { return };
    view.excludes = rows.iter().map(|row| (row.name.clone(), Ok(excludes(&row.name)))).collect();
    view.nodes = Ok(rows);
    view.images = Ok(vec![image(WORKERS.0, "1.31.9-1.1"), image(SERVERS.0, "1.31.9-1.1")]);
    view.provisioning = Ok(provisioning(&[WORKERS.0, SERVERS.0]));
}
