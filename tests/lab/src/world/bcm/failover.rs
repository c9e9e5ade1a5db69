//! The images of two heads: each has them on its own disk. Which head is active decides whose images CMDaemon and a session in an image see.

use super::super::core::World;
use super::build::{PASSIVE, path};
use super::content::{Content, files};
use std::path::Path;
use std::sync::Arc;

impl World {
    /// The images of the active head become those of the passive one, and the other way round.
    pub(super) fn swap_images(self: &Arc<Self>) {
        let names: Vec<String> = self.lock().bcm.images.keys().cloned().collect();
        for image in names {
            let Some(own) = self.content(&image) else { continue };
            let theirs = self.update(|s| {
                let p = s.bcm.provisioners.iter_mut().find(|p| p.node == PASSIVE)?;
                let theirs = p.copies.remove(&image);
                p.copies.insert(image.clone(), own);
                theirs
            });
            self.replace(&image, theirs);
        }
    }

    /// `None`: that head never got the image, so BCM lists one without a folder.
    fn replace(&self, image: &str, content: Option<Content>) {
        let (place, there) = (path(image), content.is_some());
        let content = content.unwrap_or_default();
        let disk = self.disk(&place);
        // Gone meanwhile is gone.
        files(disk.as_ref(), &|_| false).iter().for_each(|file| drop(disk.remove(file)));
        for (file, (bytes, mode)) in content.files.iter() {
            disk.put_synced(file, bytes, *mode).ok();
        }
        if !there {
            disk.remove(Path::new("/")).ok();
        }
        self.update(|s| {
            s.node_mut(&place).packages = content.packages;
            if let Some(i) = s.bcm.images.get_mut(image) {
                i.whole = there;
            }
        });
    }
}
