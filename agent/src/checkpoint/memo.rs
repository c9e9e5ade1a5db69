//! The op's memory of its hooks, in a file that is replaced as a whole: which have begun, and how those that have ended did. A hook begins
//! only after its beginning is on the disk.

use crate::ops::Cx;
use crate::ops::shared::file_failure;
use podlift_host::{Files, paths};
use podlift_model::checkpoint::CheckpointResult;
use podlift_model::ids::PodUid;
use podlift_model::{Failure, PodRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Hook {
    Begun,
    Ended(CheckpointResult),
}

pub(super) struct Memo {
    files: Arc<dyn Files>,
    path: PathBuf,
    hooks: Mutex<BTreeMap<PodUid, Hook>>,
}

impl Memo {
    pub fn open(cx: &Cx<'_>) -> Result<Self, Failure> {
        let files = cx.node.host.files.clone();
        let path = paths::op_memo(cx.op_id);
        let hooks = match files.read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| file_failure(&path, &e.into()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(file_failure(&path, &e)),
        };
        Ok(Self { files, path, hooks: Mutex::new(hooks) })
    }

    fn hooks(&self) -> MutexGuard<'_, BTreeMap<PodUid, Hook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a hook that has ended.
    pub fn ended(&self, pod: &PodRef) -> Option<CheckpointResult> {
        match self.hooks().get(&pod.uid) {
            Some(Hook::Ended(result)) => Some(result.clone()),
            Some(Hook::Begun) | None => None,
        }
    }

    /// Whether the hook began before, and its end is unknown.
    pub fn has_begun(&self, pod: &PodRef) -> bool {
        self.hooks().get(&pod.uid) == Some(&Hook::Begun)
    }

    pub fn begin(&self, pod: &PodRef) -> io::Result<()> {
        self.put(pod, Hook::Begun)
    }

    pub fn end(&self, result: &CheckpointResult) -> io::Result<()> {
        self.put(&result.pod, Hook::Ended(result.clone()))
    }

    /// Several hooks end at the same time; the lock is held until the file has all that the memory has.
    fn put(&self, pod: &PodRef, hook: Hook) -> io::Result<()> {
        let mut hooks = self.hooks();
        hooks.insert(pod.uid.clone(), hook);
        let bytes = serde_json::to_vec(&*hooks)?;
        self.files.write(&self.path, &bytes, 0o600)
    }
}
