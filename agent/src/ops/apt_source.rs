//! The Kubernetes repository's minor in `kubernetes.list`, and nothing else of that file.

use super::shared::file_failure;
use super::{Applied, Cx, Op};
use crate::paths::APT_SOURCE;
use crate::tools::apt::with_minor;
use async_trait::async_trait;
use podlift_model::{Digest, Failure, Minor, OpOutput};
use std::path::Path;

pub struct AptSource {
    pub minor: Minor,
}

struct Source {
    old: String,
    new: String,
}

impl AptSource {
    fn read(&self, cx: &Cx<'_>) -> Result<Source, Failure> {
        let path = Path::new(APT_SOURCE);
        let bytes = cx.node.host.files.read(path).map_err(|e| file_failure(path, &e))?;
        let unusable =
            |why: String| Failure::operator("apt-source", format!("{APT_SOURCE} can't be used: {why}"));
        let old = String::from_utf8(bytes).map_err(|_| unusable("it is not text".into()))?;
        let new = with_minor(&old, self.minor).map_err(|e| unusable(e.to_string()))?;
        Ok(Source { old, new })
    }
}

#[async_trait]
impl Op for AptSource {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let source = self.read(cx)?;
        let same = || OpOutput::Unchanged(format!("{APT_SOURCE} names {} already", self.minor));
        Ok((source.old == source.new).then(same))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let path = Path::new(APT_SOURCE);
        let files = &cx.node.host.files;
        let stat = files.stat(path).map_err(|e| file_failure(path, &e))?;
        let source = self.read(cx)?;
        // Not beside it: apt looks at every file of that folder.
        let scratch = Path::new("/etc/apt");
        let swapped = files.replace(path, source.new.as_bytes(), &stat, &Digest::of(&source.old), scratch);
        swapped.map_err(|e| {
            Failure::transient("file-failed", format!("{APT_SOURCE}: {e}; look who else writes it"))
        })?;
        Ok(Applied::Done(OpOutput::Changed(format!("{APT_SOURCE} names {} now", self.minor))))
    }
}
