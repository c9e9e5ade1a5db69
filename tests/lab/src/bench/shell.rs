//! The peer that an administrator would write: inotifywait piped into a shell with grep, sed, sync and mv. It is timed until the repaired
//! file is to be seen; the directory's own fsync, which it lacks, is not asked of it.
#![allow(clippy::disallowed_methods)] // this is an edge: it starts a process and measures files

use super::heal::{Sync, replaced};
use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use podlift_common::clock::{Clock as _, SystemClock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SCRIPT: &str = r#"
inotifywait -m -e close_write,moved_to --format %f "$DIR" | while read -r name; do
  [ "$name" = kube-apiserver.yaml ] || continue
  if grep -q -- '--etcd-servers=$' "$DIR/$name"; then
    sed "s#--etcd-servers=\$#--etcd-servers=$SERVERS#" "$DIR/$name" > "$TMP" && sync $SYNC && mv "$TMP" "$DIR/$name"
  fi
done
"#;

pub struct Shell {
    child: Child,
    manifest: PathBuf,
    scratch: PathBuf,
    good: Vec<u8>,
    broken: Vec<u8>,
}

impl Shell {
    /// The loop in a folder of its own on the same filesystem.
    pub fn start(dir: &Path, good: &[u8], broken: &[u8], sync: Sync) -> anyhow::Result<Self> {
        let (manifests, scratch) = (dir.join("manifests"), dir.join("tmp"));
        fs::create_dir_all(&manifests)?;
        fs::create_dir_all(&scratch)?;
        let manifest = manifests.join("kube-apiserver.yaml");
        fs::write(&manifest, good)?;
        let healed = scratch.join("healed.yaml");
        let text = String::from_utf8_lossy(good);
        let servers = text.lines().find_map(|l| l.trim().strip_prefix("- --etcd-servers="));
        let child = Command::new("bash")
            .args(["-c", SCRIPT])
            .env("DIR", &manifests)
            .env("TMP", &healed)
            .env("SYNC", if sync == Sync::File { healed.as_os_str() } else { OsStr::new("") })
            .env("SERVERS", servers.context("a manifest with endpoints")?)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("bash could not be started")?;
        let (good, broken) = (good.to_vec(), broken.to_vec());
        let mut shell = Self { child, manifest, scratch, good, broken };
        shell.wait_for_watches()?;
        Ok(shell)
    }

    fn wait_for_watches(&mut self) -> anyhow::Result<()> {
        let said = BufReader::new(self.child.stderr.take().context("the loop's stderr")?);
        let mut all = Vec::new();
        for line in said.lines() {
            let line = line?;
            if line.contains("Watches established") {
                return Ok(());
            }
            all.push(line);
        }
        bail!("the peer's loop ended: {}; it needs inotifywait: apt-get install inotify-tools", all.join(" "))
    }

    /// From the rename of the broken manifest to the repaired one.
    pub fn round(&mut self) -> anyhow::Result<u64> {
        let new = self.scratch.join("broken.yaml");
        fs::write(&new, &self.broken)?;
        File::open(&new)?.sync_all()?;
        let inode = fs::metadata(&new)?.ino();
        let started = SystemClock.since_boot();
        fs::rename(&new, &self.manifest)?;
        let took = replaced(&self.manifest, inode)?.saturating_sub(started);
        if fs::read(&self.manifest)? != self.good {
            bail!("what the peer repaired differs from the good manifest");
        }
        // Its loop reads its own change too; that is no part of the next round.
        std::thread::sleep(Duration::from_millis(20));
        Ok(u64::try_from(took.as_micros())?)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
