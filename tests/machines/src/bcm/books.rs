//! What BCM has on its books at the beginning: the head node, the machines with an image, a category and an image for each kind of them.

use super::{Imaged, excluded};
use crate::deb;
use podlift_lab::world::bcm::{Bcm, Category, Device, SoftwareImage, build};
use podlift_lab::world::state::Node;
use podlift_lab::{HEAD_NODE, World};

const KERNEL: &str = "6.1.0-37-amd64";

/// Machines that it does not list have a disk of their own.
pub fn write(world: &World, imaged: &[Imaged]) {
    world.update(|s| {
        for of in imaged {
            let path = build::path(of.image);
            s.places.insert(path.clone(), Node { name: path, ..Node::default() });
        }
        list(&mut s.bcm, imaged);
    });
}

fn list(bcm: &mut Bcm, imaged: &[Imaged]) {
    bcm.images = imaged.iter().map(|of| (of.image.to_string(), image(of.image))).collect();
    let category = |of: &Imaged| (of.category.to_string(), Category { image: Some(of.image.to_string()) });
    bcm.categories = imaged.iter().map(category).collect();
    let node = |of: &Imaged| {
        let category = Some(of.category.to_string());
        (of.node.clone(), Device { kind: "PhysicalNode", category, image: None })
    };
    let head = Device { kind: "HeadNode", category: None, image: None };
    bcm.devices = imaged.iter().map(node).chain([(HEAD_NODE.to_string(), head)]).collect();
    // The images of the other head node would be copies that no machine has.
    bcm.provisioners.retain(|p| p.node == HEAD_NODE);
    for of in imaged {
        // The lab copies nothing: rsync does.
        bcm.switches.empty_syncs.insert(of.node.clone());
        bcm.switches.more_excludes.insert(of.node.clone(), excluded::of_the_site());
    }
    bcm.switches.reboot_keeps = true;
}

fn image(name: &str) -> SoftwareImage {
    SoftwareImage {
        path: build::path(name),
        kernel: KERNEL.into(),
        locked: false,
        arch: deb::arch().into(),
        whole: true,
        known: 1,
        mounts: vec![],
        processes: vec![],
    }
}
