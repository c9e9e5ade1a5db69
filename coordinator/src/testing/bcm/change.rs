//! What the ops of a head node do to the small fleet's BCM, and what they refuse.

use super::{Packages, Site, log_of};
use podlift_common::clock::Clock as _;
use podlift_model::bcm::*;
use podlift_model::op::PackagePin;
use podlift_model::*;

type Done = Result<(), Failure>;

fn refused(code: &str, text: String) -> Done {
    Err(Failure::operator(code, text))
}

impl Site {
    pub(super) fn change(&mut self, op: &BcmOp) -> Done {
        match op {
            BcmOp::ImageClone { from, image } => return self.clone_image(from, image),
            BcmOp::ImageRemove { image } => return self.remove_image(image),
            BcmOp::ImageLock { image } => self.image(image)?.locked = true,
            BcmOp::ImageUnlock { image } => self.image(image)?.locked = false,
            BcmOp::ImageSource { image, minor } => {
                self.changeable(image)?.source = Some(*minor);
                self.edited(image);
            }
            BcmOp::ImagePackages { image, packages } => {
                let own = &mut self.changeable(image)?.packages;
                for PackagePin { package, version } in packages {
                    let there = ImagePackage { version: Some(version.clone()), held: true };
                    own.insert(package.name().into(), there);
                }
                self.edited(image);
            }
            BcmOp::Provisioners { image } => {
                self.sent.insert(image.clone(), self.images[image].packages.clone());
                self.lists(|list| {
                    list.retain(|has| has != image);
                    list.push(image.clone());
                });
            }
            BcmOp::AssignImage { node, image } => {
                self.image(image)?;
                let row = self.nodes.get_mut(node).unwrap();
                (row.image, row.from) = (Some(image.clone()), ImageFrom::Node);
            }
            BcmOp::FollowCategory { node } => {
                let row = self.nodes.get_mut(node).unwrap();
                let image = row.category.as_ref().and_then(|category| self.categories.get(category));
                (row.image, row.from) = (image.cloned(), ImageFrom::Category);
            }
            BcmOp::SyncDryRun { node, image } => return self.sync(node, image, true),
            BcmOp::Sync { node, image } => return self.sync(node, image, false),
            BcmOp::CategoryImage { category, image, nodes } => {
                self.image(image)?;
                self.categories.insert(category.clone(), image.clone());
                let of = |row: &&mut BcmNode| row.category.as_ref() == Some(category);
                for row in self.nodes.values_mut().filter(of) {
                    if nodes.contains(&row.name) || row.from == ImageFrom::Category {
                        (row.image, row.from) = (Some(image.clone()), ImageFrom::Category);
                    }
                }
            }
            BcmOp::ClusterVersion { version } => self.recorded = version.clone(),
            BcmOp::LearnKubeadmConfig => {}
        }
        Ok(())
    }

    /// BCM sends a new image to the provisioners by itself, as it is then. A clone that this agent has made before stays as it is.
    fn clone_image(&mut self, from: &ImageName, image: &ImageName) -> Done {
        match (self.images.contains_key(image), self.made.contains(image)) {
            (true, false) => {
                return refused(codes::BCM_IMAGE_EXISTS, format!("software image {image} is there already"));
            }
            (true, true) => return Ok(()),
            (false, _) => {}
        }
        let path = format!("/cm/images/{image}");
        let clone = BcmImage { name: image.clone(), path, locked: false, ..self.image(from)?.clone() };
        self.sent.insert(image.clone(), clone.packages.clone());
        self.images.insert(image.clone(), clone);
        self.made.insert(image.clone());
        let number = self.provisioning.tasks.len() + 1;
        let what = format!("create ramdisk of {image}");
        let task = BcmTask { id: BcmTaskId::new(number.to_string()).unwrap(), what, state: TaskState::Open };
        self.provisioning.tasks.push(task);
        self.provisioning.idle = false;
        Ok(())
    }

    fn remove_image(&mut self, image: &ImageName) -> Done {
        if !self.made.contains(image) {
            return refused(codes::BCM_IMAGE_NOT_OURS, format!("this agent has not made {image}"));
        }
        if self.nodes.values().any(|row| row.image.as_ref() == Some(image)) {
            return refused(codes::BCM_IMAGE_IN_USE, format!("a node has {image}"));
        }
        if self.categories.values().any(|of| of == image) {
            return refused(codes::BCM_IMAGE_IN_USE, format!("a category has {image}"));
        }
        self.images.remove(image);
        self.sent.remove(image);
        self.lists(|list| list.retain(|has| has != image));
        Ok(())
    }

    /// A locked image defers the request, and imageupdate ends without an update. A node gets what the provisioners have, and not what is in
    /// the image's folder; the log does not tell which.
    fn sync(&mut self, node: &NodeName, image: &ImageName, dry_run: bool) -> Done {
        if self.nodes[node].image.as_ref() != Some(image) {
            return refused(codes::BCM_SYNC_FAILED, format!("in BCM {node} has another image than {image}"));
        }
        if self.image(image)?.locked {
            let text = format!("{node}: requested software image {image} is locked, request deferred");
            return refused(codes::BCM_SYNC_FAILED, text);
        }
        let log = BcmSync {
            began: Some(self.clock.now()),
            mode: Some(SyncMode::Update),
            image: Some(self.images[image].path.clone()),
            dry_run: Some(dry_run),
            completed: true,
            rsync_code: Some(0),
            changes: 40,
            ..log_of(node)
        };
        self.syncs.insert(node.clone(), log);
        Ok(())
    }

    /// What a node gets that is written from the image now.
    pub(super) fn served(&self, image: &ImageName) -> Packages {
        self.sent.get(image).unwrap_or(&self.images[image].packages).clone()
    }

    fn image(&mut self, image: &ImageName) -> Result<&mut BcmImage, Failure> {
        let missing = || Failure::operator(codes::BCM_MISSING, format!("BCM has no software image {image}"));
        self.images.get_mut(image).ok_or_else(missing)
    }

    /// The image, if the agent changes it at all: its own, and locked.
    fn changeable(&mut self, image: &ImageName) -> Result<&mut BcmImage, Failure> {
        if !self.made.contains(image) {
            let text = format!("{image} was not changed: podlift did not make this image");
            return Err(Failure::operator(codes::BCM_IMAGE_NOT_OURS, text));
        }
        let found = self.image(image)?;
        match found.locked {
            true => Ok(found),
            false => {
                let text = format!("{image} was not changed: it is not locked");
                Err(Failure::operator(codes::BCM_IMAGE_UNLOCKED, text))
            }
        }
    }

    /// After a change in its folder the image is old on every provisioner.
    fn edited(&mut self, image: &ImageName) {
        self.lists(|list| list.retain(|has| has != image));
    }

    fn lists(&mut self, change: impl Fn(&mut Vec<ImageName>)) {
        self.provisioning.provisioners.iter_mut().filter_map(|p| p.up_to_date.as_mut()).for_each(change);
    }
}

#[cfg(test)]
mod tests {
    use super::super::HEAD;
    use crate::testing::{Fleet, name};
    use podlift_model::bcm::*;
    use podlift_model::op::{Package, PackagePin};
    use std::sync::Arc;

    fn image(text: &str) -> ImageName {
        ImageName::new(text).unwrap()
    }

    /// A fleet whose BCM has a clone that is changed, and its worker with it.
    fn edited(fleet: &Arc<Fleet>) -> ImageName {
        let clone = image("dgx-new");
        let mut s = fleet.lock();
        s.add_bcm();
        let pin = PackagePin { package: Package::Kubelet, version: "1.32.9-1.1".parse().unwrap() };
        for op in [
            BcmOp::ImageClone { from: image("dgx-image"), image: clone.clone() },
            BcmOp::ImageLock { image: clone.clone() },
            BcmOp::ImagePackages { image: clone.clone(), packages: vec![pin] },
            BcmOp::ImageUnlock { image: clone.clone() },
            BcmOp::AssignImage { node: name("dgx030"), image: clone.clone() },
        ] {
            s.bcm_op(&op).unwrap();
        }
        clone
    }

    #[test]
    fn a_changed_image_is_old_on_the_provisioners_and_so_on_nodes_until_it_is_sent_to_them() {
        let fleet = Fleet::new();
        let (clone, node) = (edited(&fleet), name("dgx030"));
        let mut s = fleet.lock();
        let counts = |s: &mut crate::testing::fleet::State| {
            let has = |p: &Provisioner| p.up_to_date.as_ref().unwrap().contains(&image("dgx-new"));
            s.bcm_site().provisioning.provisioners.iter().filter(|p| has(p)).count()
        };
        let sync = BcmOp::Sync { node: node.clone(), image: clone.clone() };
        assert_eq!(counts(&mut s), 0);
        s.bcm_op(&sync).unwrap();
        assert_eq!(
            s.facts[&node].kubelet,
            "v1.31.9".parse().ok(),
            "the old image, and a log without a fault"
        );
        s.bcm_op(&BcmOp::Provisioners { image: clone.clone() }).unwrap();
        assert_eq!(counts(&mut s), 2);
        s.bcm_op(&sync).unwrap();
        assert_eq!(s.facts[&node].kubelet, "v1.32.9".parse().ok());
        for op in [
            BcmOp::ImageLock { image: clone.clone() },
            BcmOp::ImageSource { image: clone.clone(), minor: "1.33".parse().unwrap() },
        ] {
            s.bcm_op(&op).unwrap();
        }
        assert_eq!(counts(&mut s), 0, "every change in the folder counts");
    }

    #[test]
    fn bcm_and_its_agent_refuse_what_would_hurt_nodes() {
        let fleet = Fleet::new();
        let (clone, base, node) = (edited(&fleet), image("dgx-image"), name("dgx030"));
        let mut s = fleet.lock();
        let mut code = |op: BcmOp| s.bcm_op(&op).err().map(|failure| failure.code).unwrap_or_default();
        let minor = "1.32".parse().unwrap();
        let of_clone = |locked: bool| match locked {
            true => BcmOp::ImageLock { image: clone.clone() },
            false => BcmOp::ImageUnlock { image: clone.clone() },
        };
        assert_eq!(code(BcmOp::ImageSource { image: clone.clone(), minor }), "bcm-image-unlocked");
        assert_eq!(code(BcmOp::ImageSource { image: base.clone(), minor }), "bcm-image-not-ours");
        assert_eq!(code(BcmOp::ImageClone { from: clone.clone(), image: base.clone() }), "bcm-image-exists");
        assert_eq!(code(BcmOp::ImageRemove { image: base.clone() }), "bcm-image-not-ours");
        assert_eq!(code(BcmOp::ImageRemove { image: clone.clone() }), "bcm-image-in-use");
        assert_eq!(code(BcmOp::AssignImage { node: node.clone(), image: image("none") }), "bcm-missing");
        assert_eq!(code(BcmOp::Sync { node: node.clone(), image: base.clone() }), "bcm-sync-failed");
        assert_eq!(code(of_clone(true)), "");
        assert_eq!(code(BcmOp::Sync { node: node.clone(), image: clone.clone() }), "bcm-sync-failed");
        assert_eq!(code(of_clone(false)), "");
        let category = CategoryName::new("dgx-h100").unwrap();
        let nodes = vec![node.clone(), name("dgx031")];
        assert_eq!(code(BcmOp::CategoryImage { category, image: clone.clone(), nodes }), "");
        assert_eq!(code(BcmOp::AssignImage { node: node.clone(), image: base.clone() }), "");
        assert_eq!(code(BcmOp::FollowCategory { node: node.clone() }), "");
        assert_eq!(s.bcm_site().nodes[&node].image, Some(clone), "the image that the category has now");
        assert!(s.heads.contains_key(&name(HEAD)));
    }
}
