//! Removes an image that podlift has made: from BCM's list, then its files. Refuses while a node or a category uses it, and while anything is
//! mounted in it. The record stays until the files are gone, so that an interrupted removal goes on.

use super::memo::Memo;
use super::{Applied, Cx, Op, idle, own, shared};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::bcm::ImageName;
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::bcm::images::{self, Listed};
use podlift_tools::bcm::{change, image};
use std::path::Path;

pub struct ImageRemove {
    pub image: ImageName,
}

impl ImageRemove {
    /// The folder to delete: the image's own, and of no other image.
    fn folder(&self, path: &str, all: &[Listed]) -> Result<String, Failure> {
        let other = all.iter().find(|l| l.name != self.image && Path::new(&l.path).starts_with(path));
        match path.ends_with(&format!("/{}", self.image)) && other.is_none() {
            true => Ok(path.into()),
            false => {
                let message = format!(
                    "{} was not removed: {path} is not its own folder; remove it by hand",
                    self.image
                );
                Err(Failure::operator(codes::BCM_IMAGE_IN_USE, message))
            }
        }
    }
}

#[async_trait]
impl Op for ImageRemove {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let listed = images::find(&cx.node.host, &self.image).await?;
        let Some(own) = own::read(cx.node, &self.image) else {
            return match listed {
                Some(_) => Err(own::not_ours(&self.image, "removed")),
                None => Ok(Some(OpOutput::Unchanged(format!("{} is not there", self.image)))),
            };
        };
        let gone = listed.is_none() && cx.node.host.files.stat(Path::new(&own.path)).is_err();
        if gone {
            own::remove(cx.node, &self.image);
        }
        Ok(gone.then(|| OpOutput::Unchanged(format!("{} is gone already", self.image))))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let host = &cx.node.host;
        // CMDaemon's own tasks mount in the image.
        idle::tasks(cx, &Memo::now(cx).await?.failed).await?;
        let all = images::look(host).await?;
        let listed = all.iter().find(|l| l.name == self.image);
        let own = own::read(cx.node, &self.image).ok_or_else(|| own::not_ours(&self.image, "removed"))?;
        let path = self.folder(listed.map_or(own.path.as_str(), |l| l.path.as_str()), &all)?;
        shared::is_unused(cx, &self.image).await?;
        let inside = image::inside(host, &path)?;
        if !inside.is_empty() {
            return Err(image::left(&path, &inside));
        }
        // From now on it is half an image: nobody may use it.
        own::write(cx.node, &own::Own { path: path.clone(), whole: false, ..own })?;
        if listed.is_some() {
            let said = change::remove_image(host, &self.image).await?;
            if images::find(host, &self.image).await?.is_some() {
                return Err(shared::no_effect(&format!("{} was not removed", self.image), &said));
            }
        }
        Ok(Applied::Unit(change::delete_files(&path)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let Some(own) = own::read(cx.node, &self.image) else {
            // This is the second time, after an end that could not be recorded.
            return match images::find(&cx.node.host, &self.image).await? {
                None => Ok(OpOutput::Unchanged(format!("{} is gone already", self.image))),
                Some(_) => Err(own::not_ours(&self.image, "removed")),
            };
        };
        if cx.node.host.files.stat(Path::new(&own.path)).is_ok() {
            let what = format!("{} is still there (rm {})", own.path, exit.describe());
            return Err(shared::no_effect(&what, &cx.log()));
        }
        // A failover may have brought the other head node's list back.
        if images::find(&cx.node.host, &self.image).await?.is_some() {
            let what = format!("BCM has {} in its list again, without its files", self.image);
            return Err(shared::no_effect(&what, &cx.log()));
        }
        own::remove(cx.node, &self.image);
        Ok(OpOutput::Changed(format!("{} and its folder are gone", self.image)))
    }
}
