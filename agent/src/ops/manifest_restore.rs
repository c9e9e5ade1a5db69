//! Puts back a manifest that this agent itself stored, named by its hash, so that no caller can supply another. The restored hash is exempt
//! from the heal, because its restore is intended.

use super::shared::file_failure;
use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_host::paths;
use podlift_host::{Files, ReplaceError};
use podlift_model::op::Component;
use podlift_model::{Digest, Failure, OpOutput};
use std::io;
use std::path::Path;

pub struct ManifestRestore {
    pub component: Component,
    pub sha256: Digest,
}

const ATTEMPTS: usize = 10;

impl ManifestRestore {
    /// The copy with that hash, from any run.
    fn copy(&self, files: &dyn Files) -> Option<Vec<u8>> {
        let root = Path::new(paths::BACKUP);
        let runs = files.list(root).unwrap_or_default();
        let copies =
            runs.iter().filter_map(|run| files.read(&root.join(run).join(self.component.file())).ok());
        copies.into_iter().find(|bytes| Digest::of(bytes) == self.sha256)
    }

    fn place(&self, files: &dyn Files, bytes: &[u8]) -> Result<(), ReplaceError> {
        let path = paths::manifest(self.component);
        for _ in 0..ATTEMPTS {
            let seen = match files.stat(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(files.write(&path, bytes, 0o600)?),
                other => other?,
            };
            let now = Digest::of(files.read(&path)?);
            match files.replace(&path, bytes, &seen, &now, Path::new(paths::SCRATCH)) {
                Err(ReplaceError::Changed) => {}
                other => return other,
            }
        }
        Err(ReplaceError::Changed)
    }
}

#[async_trait]
impl Op for ManifestRestore {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let now = cx.node.host.files.read(&paths::manifest(self.component)).map(Digest::of);
        let same = now.is_ok_and(|hash| hash == self.sha256);
        Ok(same.then(|| {
            OpOutput::Unchanged(format!("{} is {} already", self.component.file(), self.sha256.short()))
        }))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let files = cx.node.host.files.as_ref();
        let unknown = || {
            let message = format!(
                "no copy of {} with SHA-256 {} is in this agent's store",
                self.component.file(),
                self.sha256
            );
            Failure::permanent("copy-unknown", message)
        };
        let bytes = self.copy(files).ok_or_else(unknown)?;
        // First, because the heal must not repair the restored manifest.
        cx.node.heal.exempt(&self.sha256).map_err(|e| file_failure(Path::new(paths::HEAL), &e))?;
        let path = paths::manifest(self.component);
        self.place(files, &bytes).map_err(|e| {
            Failure::transient("manifest-not-placed", format!("{}: {e}; try again", path.display()))
        })?;
        Ok(Applied::Done(OpOutput::Changed(format!(
            "{} is {} again",
            self.component.file(),
            self.sha256.short()
        ))))
    }
}
