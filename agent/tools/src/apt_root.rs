//! The private apt root, with its own sources, lists and cache, so that a look changes nothing of the node's. Only one caller works in it
//! at a time.
//!
//! apt's hooks are left out of every look. Hooks of an update (`/etc/apt/apt.conf.d`) write stamps and empty the package cache, even if all
//! of apt's directories are private. The look therefore uses apt's own configuration dump without the hooks.

use crate::files::file_failure;
use crate::madison::{self, Lists};
use crate::sources;
use crate::{apt, apt_config, run};
use podlift_host::paths::APT_PROBE;
use podlift_host::{Files, Host};
use podlift_model::facts::PackageOffer;
use podlift_model::op::Package;
use podlift_model::{Failure, KubeVersion};
use std::path::Path;
use tokio::sync::{Mutex, MutexGuard};

/// The root with fresh lists of the target's repository. It is locked until this is dropped.
pub struct AptRoot<'a> {
    _alone: MutexGuard<'a, ()>,
    /// Name of its source.
    pub list: &'static str,
    pub offers: Vec<PackageOffer>,
}

/// `lock` is held during work in the root; the commands are those of `host`.
pub async fn fresh<'a>(lock: &'a Mutex<()>, host: &Host, to: KubeVersion) -> Result<AptRoot<'a>, Failure> {
    let files = host.files.as_ref();
    let (list, text) = sources::find(files)?.alone(to.minor())?;
    let alone = lock.lock().await;
    let config = apt_config::without_hooks(host).await?;
    make(files, &[(list, &text), (CONFIG, &config)])?;
    let output = run(host, &apt::update_private(list)).await?;
    let said = format!("{}{}", output.stdout, output.stderr);
    // apt exits 0 if it could not read a repository, and would offer its old lists.
    if !output.success() || apt::stale(&said) {
        return Err(apt::judge(&said, &format!("exited {}", output.code)));
    }
    let offers = madison::offers(host, Lists::Private(list), Package::ALL).await?;
    Ok(AptRoot { _alone: alone, list, offers })
}

const CONFIG: &str = "apt.conf";
/// apt makes no folders outside its own. A file in each of these makes them.
const FOLDERS: [&str; 3] = ["lists/partial/.keep", "cache/archives/partial/.keep", "debs/.keep"];

fn make(files: &dyn Files, texts: &[(&str, &str)]) -> Result<(), Failure> {
    for (name, content) in FOLDERS.map(|name| (name, "")).iter().chain(texts) {
        let path = Path::new(APT_PROBE).join(name);
        files.write(&path, content.as_bytes(), 0o600).map_err(|e| file_failure(&path, &e))?;
    }
    Ok(())
}
