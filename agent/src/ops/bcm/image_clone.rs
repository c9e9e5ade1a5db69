//! Makes a copy of a software image, and knows it as complete only after a look at its files. Power loss in the middle leaves a half copy
//! that the agent's record calls so; the next attempt removes it and copies again.

use super::memo::Memo;
use super::own::{self, Own};
use super::{Applied, Cx, Op, idle, shared};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::Files as _;
use podlift_model::bcm::{BcmImage, ImageName};
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::UnitSpec;
use podlift_tools::bcm::images::{self, Listed};
use podlift_tools::bcm::{change, image};
use std::path::Path;

pub struct ImageClone {
    pub from: ImageName,
    pub image: ImageName,
}

/// dpkg's database, which is the same in a complete copy.
const DATABASE: &str = "/var/lib/dpkg/status";

impl ImageClone {
    fn exists(&self, what: &str) -> Failure {
        let image = &self.image;
        let message = format!(
            "{image} was not made from {}: {what}; if it is not used, remove it by hand (cmsh -c \"softwareimage; remove {image}; commit\", then its folder), then podlift retry",
            self.from
        );
        Failure::operator(codes::BCM_IMAGE_EXISTS, message)
    }

    /// The folder that BCM gives to the copy: beside that of the original.
    fn path(&self, from: &str) -> String {
        let parent = Path::new(from).parent().unwrap_or(Path::new("/cm/images"));
        parent.join(self.image.as_str()).display().to_string()
    }

    async fn source(&self, cx: &Cx<'_>) -> Result<BcmImage, Failure> {
        let source = shared::image(cx, &self.from).await?;
        if source.arch.is_none() {
            let message = format!(
                "{} was not copied: {} has no dpkg, so podlift can't upgrade its packages; upgrade this image by hand",
                self.from, source.path
            );
            return Err(Failure::permanent(codes::BCM_MISSING, message));
        }
        match source.inside.is_empty() {
            true => Ok(source),
            false => Err(image::left(&source.path, &source.inside)),
        }
    }

    /// Checks the space for the copy, and a tenth of it more.
    fn space(&self, source: &BcmImage, size: u64) -> Result<(), Failure> {
        let wanted = size + size / 10;
        match source.free_bytes.is_some_and(|free| free >= wanted) {
            true => Ok(()),
            false => {
                let free = source.free_bytes.map_or("unknown".into(), |free| format!("{} MiB", free >> 20));
                let message = format!(
                    "{} was not copied: the file system of {} has {free} free, expected at least {} MiB; remove images that no node uses, then podlift retry",
                    self.from,
                    source.path,
                    wanted >> 20
                );
                Err(Failure::operator(codes::DISK_FULL, message))
            }
        }
    }

    /// Whether the copy has all files: dpkg's database is the same, and it has at least so many bytes.
    async fn is_whole(&self, cx: &Cx<'_>, from: &str, copy: &str, least: u64) -> Result<bool, Failure> {
        let files = cx.node.host.files.as_ref();
        let database = |path: &str| image::Root::new(files, path).read(Path::new(DATABASE)).ok();
        let same = database(from).is_some_and(|text| database(copy) == Some(text));
        Ok(same && image::size(&cx.node.host, copy, image::LONG).await? >= least)
    }

    /// Removes from BCM what an interrupted copy has left, and returns the folder to delete.
    async fn unmake(
        &self,
        cx: &Cx<'_>,
        half: &Own,
        listed: Option<&Listed>,
    ) -> Result<Option<String>, Failure> {
        let host = &cx.node.host;
        if let Some(listed) = listed {
            shared::is_unused(cx, &self.image).await?;
            let said = change::remove_image(host, &self.image).await?;
            if images::find(host, &self.image).await?.is_some() {
                return Err(shared::no_effect(
                    &format!("the half copy {} was not removed", listed.name),
                    &said,
                ));
            }
        }
        let path = listed.map_or(half.path.as_str(), |listed| listed.path.as_str());
        if host.files.stat(Path::new(path)).is_err() {
            return Ok(None);
        }
        let inside = image::inside(host, path)?;
        match inside.is_empty() && path.ends_with(&format!("/{}", self.image)) {
            true => Ok(Some(path.to_string())),
            false => Err(image::left(path, &inside)),
        }
    }
}

#[async_trait]
impl Op for ImageClone {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        if images::find(&cx.node.host, &self.image).await?.is_none() {
            return Ok(None);
        }
        match own::read(cx.node, &self.image) {
            Some(own) if own.from == self.from && own.whole => {
                Ok(Some(OpOutput::Unchanged(format!("{} is a copy of {} already", self.image, self.from))))
            }
            Some(own) if own.from == self.from => Ok(None),
            Some(own) => Err(self.exists(&format!("it is a copy of {}", own.from))),
            None => Err(self.exists("BCM has an image of that name which podlift did not make")),
        }
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let host = &cx.node.host;
        let source = self.source(cx).await?;
        let listed = images::find(host, &self.image).await?;
        let path = self.path(&source.path);
        let half = own::read(cx.node, &self.image);
        let leftover = match &half {
            Some(half) => {
                idle::tasks(cx, &Memo::now(cx).await?.failed).await?;
                self.unmake(cx, half, listed.as_ref()).await?
            }
            None if host.files.stat(Path::new(&path)).is_ok() => {
                return Err(self.exists(&format!("{path} exists, and BCM has no image there")));
            }
            None => None,
        };
        let size = image::size(host, &source.path, image::LONG).await?;
        self.space(&source, size)?;
        let memo = Memo { size, ..Memo::now(cx).await? };
        memo.write(cx)?;
        own::write(cx.node, &Own { image: self.image.clone(), from: self.from.clone(), path, whole: false })?;
        Ok(Applied::Unit(after(change::clone_image(&self.from, &self.image), leftover.as_deref())))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let memo = Memo::read(cx).unwrap_or_default();
        idle::tasks(cx, &memo.failed).await?;
        let what = format!("{} was not copied to {} ({})", self.from, self.image, exit.describe());
        let source =
            images::find(&cx.node.host, &self.from).await?.ok_or_else(|| shared::missing(&self.from))?;
        let Some(copy) = images::find(&cx.node.host, &self.image).await? else {
            return Err(shared::no_effect(&what, &cx.log()));
        };
        if copy.path == source.path {
            let message = format!(
                "{} has the folder of {} ({}): a change of the one would change the other; give it its own folder, or remove it from BCM, then podlift retry",
                self.image, self.from, copy.path
            );
            return Err(Failure::operator(codes::BCM_IMAGE_EXISTS, message));
        }
        // cmsh that ended with an error may have been left by a copy that was almost complete.
        let least = match (exit.success(), memo.size) {
            (true, size) => size - size / 20,
            // Without the record of its size nothing proves that the copy is whole.
            (false, 0) => u64::MAX,
            (false, size) => size,
        };
        if !self.is_whole(cx, &source.path, &copy.path, least).await? {
            return Err(shared::no_effect(&format!("{what}: {} lacks files", copy.path), &cx.log()));
        }
        let (image, from, path) = (self.image.clone(), self.from.clone(), copy.path.clone());
        own::write(cx.node, &Own { image, from, path, whole: true })?;
        Ok(OpOutput::Changed(format!("{} is a copy of {} in {}", self.image, self.from, copy.path)))
    }

    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        Memo::remove(cx);
        Ok(())
    }
}

/// The half copy goes first, in the same unit.
fn after(spec: UnitSpec, leftover: Option<&str>) -> UnitSpec {
    match leftover {
        Some(path) => spec.after(&change::deletion(path)),
        None => spec,
    }
}
