//! Overlay layers: a tree that others are put on top of, filled by commands that run in it before anything boots.

use crate::shell;
use anyhow::Context as _;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};
use std::path::{Path, PathBuf};

/// A folder with `up` (what was written), `work` and `root` (everything, mounted).
#[derive(Debug, Clone)]
pub struct Layer {
    dir: PathBuf,
    /// Lowest last.
    below: Vec<PathBuf>,
}

impl Layer {
    pub async fn mount(dir: PathBuf, below: Vec<PathBuf>) -> anyhow::Result<Self> {
        bearable(&dir).await?;
        for name in ["up", "work", "root"] {
            std::fs::create_dir_all(dir.join(name)).with_context(|| dir.display().to_string())?;
        }
        let layer = Self { dir, below };
        let lower: Vec<String> = layer.below.iter().map(|p| p.display().to_string()).collect();
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.join(":"),
            layer.dir.join("up").display(),
            layer.dir.join("work").display()
        );
        let root = layer.root().display().to_string();
        shell::run(&["mount", "-t", "overlay", "overlay", "-o", &options, &root])
            .await
            .context("an overlay could not be mounted: does this kernel have overlayfs?")?;
        Ok(layer)
    }

    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// What a layer on top of this one lies on. This one is not to be written any more.
    pub async fn finished(self) -> anyhow::Result<Vec<PathBuf>> {
        let root = self.root().display().to_string();
        shell::run(&["umount", &root]).await?;
        Ok([self.dir.join("up")].into_iter().chain(self.below).collect())
    }

    /// Runs a command in it, with /proc and /dev there, and no service started by it.
    pub async fn chroot(&self, argv: &[&str]) -> anyhow::Result<String> {
        let root = self.root();
        let policy = root.join("usr/sbin/policy-rc.d");
        write(&policy, "#!/bin/sh\nexit 101\n", 0o755)?;
        let at = root.display().to_string();
        let script = "mount -t proc proc $0/proc && mount --bind /dev $0/dev && exec chroot $0 env -i \
                      PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \"$@\"";
        let mut all = vec!["unshare", "--mount", "sh", "-c", script, &at];
        all.extend(argv);
        let said = shell::run(&all).await;
        std::fs::remove_file(&policy).ok();
        said
    }
}

/// An overlay can't be written on top of another one (a container's disk, say): memory takes its place there.
async fn bearable(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    if statfs(dir)?.filesystem_type() == OVERLAYFS_SUPER_MAGIC {
        shell::run(&["mount", "-t", "tmpfs", "tmpfs", &dir.display().to_string()]).await?;
    }
    Ok(())
}

/// A file with its folders.
pub fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    dir.and_then(|()| std::fs::write(path, text))
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .with_context(|| format!("{} can't be written", path.display()))
}
