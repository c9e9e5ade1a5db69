//! Sets the minor in an image's Kubernetes apt source and fetches its lists inside the image. The rest of that file stays.

use super::super::shared::file_failure;
use super::memo::Memo;
use super::{Applied, Cx, Op, idle, shared, tidy};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::Files as _;
use podlift_model::bcm::{BcmImage, ImageName};
use podlift_model::{Digest, Failure, Minor, OpOutput, codes};
use podlift_tools::apt;
use podlift_tools::bcm::chroot;
use podlift_tools::bcm::image::Root;
use podlift_tools::sources::{self, Source};
use std::path::Path;
use std::time::Duration;

pub struct ImageSource {
    pub image: ImageName,
    pub minor: Minor,
}

/// The scratch file is not in the source's folder, because apt reads every file there.
const SCRATCH: &str = "/etc/apt";
/// With qemu it takes many times as long.
const LIMIT: Duration = Duration::from_secs(3600);

impl ImageSource {
    /// The image's source with the wanted minor.
    fn set(&self, cx: &Cx<'_>, image: &BcmImage) -> Result<Source, Failure> {
        let root = Root::new(cx.node.host.files.as_ref(), &image.path);
        let source = sources::find(&root).map_err(|e| self.strange(image, &e.to_string()))?;
        let text = source.with_minor(self.minor).map_err(|e| self.strange(image, &e.to_string()))?;
        if text != source.text {
            let stat = root.stat(&source.path).map_err(|e| file_failure(&source.path, &e))?;
            let seen = Digest::of(&source.text);
            root.replace(&source.path, text.as_bytes(), &stat, &seen, Path::new(SCRATCH)).map_err(|e| {
                let message =
                    format!("{}{}: {e}; look who else writes it", image.path, source.path.display());
                Failure::transient("file-failed", message)
            })?;
        }
        Ok(Source { text, ..source })
    }

    fn strange(&self, image: &BcmImage, why: &str) -> Failure {
        Failure::operator("apt-source", format!("in {}: {why}; then podlift retry", image.path))
    }
}

#[async_trait]
impl Op for ImageSource {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    /// Never done before `apply`: whether the lists are current can't be known.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let image = shared::changeable(cx, &self.image, &format!("set to {}", self.minor)).await?;
        idle::provisioning(cx).await?;
        let source = self.set(cx, &image)?;
        let spec = chroot::update(&shared::place(&image), &source, LIMIT)?;
        Memo::now(cx).await?.write(cx)?;
        Ok(Applied::Unit(spec))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        let log = cx.log();
        if !exit.success() || apt::stale(&log) {
            return Err(apt::judge(&log, &exit.describe()));
        }
        let image = shared::image(cx, &self.image).await?;
        match image.source == Some(self.minor) {
            true => Ok(OpOutput::Changed(format!("{} has the lists of {}", self.image, self.minor))),
            false => {
                let message = format!(
                    "the apt source of {} names another minor than {} again; look who else writes it, then podlift retry",
                    image.path, self.minor
                );
                Err(Failure::operator(codes::BCM_NO_EFFECT, message))
            }
        }
    }

    async fn settle(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let Some(memo) = Memo::read(cx) else { return Ok(()) };
        if let Some(path) = shared::folder(cx, &self.image).await? {
            tidy::tidy(cx, &path, &memo).await?;
        }
        Memo::remove(cx);
        Ok(())
    }
}
