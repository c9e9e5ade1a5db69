//! Images: made by cloning, removed from BCM's list while their folder stays.

use super::super::core::World;
use super::super::effects::What;
use super::super::state::Node;
use super::{SoftwareImage, build};
use crate::doubles::HEAD;
use std::path::Path;
use std::sync::Arc;

/// Bytes of an image as `du` counts them; a clone needs as much.
pub const SIZE: u64 = 12 << 30;

impl World {
    /// `clone FROM IMAGE; commit -w`: a copy on the head's disk, the provisioners get it, ramdisks follow in the background. The entry is
    /// there from the commit on, before the files are. Err: the error's text.
    pub async fn clone_image(self: &Arc<Self>, from: &str, image: &str) -> Result<(), String> {
        let (source, node) = {
            let s = self.lock();
            let source = s.bcm.images.get(from).ok_or_else(|| format!("No such software image: {from}"))?;
            if s.bcm.images.contains_key(image) {
                return Err(format!("A software image with the name {image} already exists"));
            }
            let path = build::path(image);
            (source.clone(), Node { name: path.clone(), ..copied(s.node(&source.path)) })
        };
        let path = node.name.clone();
        let fresh = SoftwareImage {
            path: path.clone(),
            locked: false,
            whole: false,
            mounts: vec![],
            processes: vec![],
            ..source.clone()
        };
        self.update(|s| {
            s.bcm.images.insert(image.into(), fresh);
            s.places.insert(path.clone(), node);
        });
        if self.lock().node(HEAD).free_bytes.is_some_and(|free| free < SIZE) {
            return Err(format!("Failed to copy {} to {path}: No space left on device", source.path));
        }
        self.sleep(self.shape.timing.clone).await;
        let content = self.content(from).unwrap_or_default();
        let disk = self.disk(&path);
        for (file, (bytes, mode)) in content.files.iter() {
            disk.put_synced(file, bytes, *mode).map_err(|e| format!("Failed to copy to {path}: {e}"))?;
        }
        self.update(|s| {
            if let Some(i) = s.bcm.images.get_mut(image) {
                i.whole = true;
            }
            let head = s.node_mut(HEAD);
            head.free_bytes = head.free_bytes.map(|free| free.saturating_sub(SIZE));
        });
        self.record(HEAD, What::ImageCloned { from: from.into(), image: image.into() }, None);
        self.give_in_background(image);
        self.ramdisks(image);
        Ok(())
    }

    /// `remove IMAGE; commit`: the files stay.
    pub fn forget_image(&self, image: &str) {
        self.update(|s| s.bcm.images.remove(image));
        self.record(HEAD, What::ImageForgotten { image: image.into() }, None);
    }

    /// An image's folder goes, whether BCM lists the image or not.
    pub fn remove_folder(&self, image: &str) {
        let removed = self.disk(HEAD).remove(Path::new(&build::path(image)));
        // Nothing there is nothing to remove.
        if removed.is_ok() {
            self.update(|s| {
                let head = s.node_mut(HEAD);
                head.free_bytes = head.free_bytes.map(|free| free + SIZE);
            });
        }
    }
}

/// What a place shares with its clone.
fn copied(node: &Node) -> Node {
    Node {
        name: node.name.clone(),
        role: node.role,
        ip: node.ip.clone(),
        boot: node.boot.clone(),
        machine: node.machine.clone(),
        generation: node.generation,
        packages: node.packages.clone(),
        containerd: node.containerd.clone(),
        depends: node.depends.clone(),
        drags: node.drags.clone(),
        mirror_lacks: node.mirror_lacks.clone(),
        ..Node::default()
    }
}
