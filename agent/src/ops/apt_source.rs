//! Sets the Kubernetes repository's minor in the apt source that names it, and keeps the rest of that file.

use super::shared::file_failure;
use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::{Digest, Failure, Minor, OpOutput};
use podlift_tools::sources::{self, Source};
use std::path::Path;

pub struct AptSource {
    pub minor: Minor,
}

/// The scratch file is not in the source's folder, because apt reads every file there.
const SCRATCH: &str = "/etc/apt";

impl AptSource {
    fn read(&self, cx: &Cx<'_>) -> Result<(Source, String), Failure> {
        let source = sources::find(cx.node.host.files.as_ref())?;
        let new = source.with_minor(self.minor)?;
        Ok((source, new))
    }
}

#[async_trait]
impl Op for AptSource {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let (source, new) = self.read(cx)?;
        let same = || OpOutput::Unchanged(format!("{} names {} already", source.path.display(), self.minor));
        Ok((source.text == new).then(same))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let files = &cx.node.host.files;
        let (source, new) = self.read(cx)?;
        let path = source.path.as_path();
        let stat = files.stat(path).map_err(|e| file_failure(path, &e))?;
        let swapped =
            files.replace(path, new.as_bytes(), &stat, &Digest::of(&source.text), Path::new(SCRATCH));
        swapped.map_err(|e| {
            let message = format!("{}: {e}; look who else writes it", path.display());
            Failure::transient("file-failed", message)
        })?;
        Ok(Applied::Done(OpOutput::Changed(format!("{} names {} now", path.display(), self.minor))))
    }
}
