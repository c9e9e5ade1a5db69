//! Runs one BCM tool: a fixed program of a fixed search path, an environment made from nothing, output kept up to a limit, ended after a
//! time. The only place of the coordinator that starts a process, and only the helper calls it.
#![allow(clippy::disallowed_methods)] // this is the edge

use super::Ran;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// Of each output.
const OUTPUT: usize = 64 << 10;
/// A grandchild may keep a pipe open after the tool has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// Where the tools are, and how long one may take.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub path: Vec<PathBuf>,
    pub limit: Duration,
}

impl Default for Tools {
    fn default() -> Self {
        let dirs = [
            "/cm/local/apps/cmd/bin",
            "/cm/local/apps/cm-setup/bin",
            "/usr/local/sbin",
            "/usr/local/bin",
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/bin",
        ];
        Self { path: dirs.iter().map(PathBuf::from).collect(), limit: Duration::from_secs(60) }
    }
}

impl Tools {
    /// Err: why nothing came of it.
    pub async fn run(&self, program: &str, args: &[String]) -> Result<Ran, String> {
        let found = self.path.iter().map(|dir| dir.join(program)).find(|file| file.is_file());
        let dirs: Vec<String> = self.path.iter().map(|p| p.display().to_string()).collect();
        let found = found.ok_or_else(|| format!("{program} is in none of {}", dirs.join(", ")))?;
        let mut child = Command::new(found)
            .args(args)
            .env_clear()
            .envs([
                ("PATH", dirs.join(":").as_str()),
                ("HOME", "/root"),
                ("LC_ALL", "C.UTF-8"),
                ("TERM", "dumb"),
            ])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{program} could not be started: {e}"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let all = async {
            let ((out, err), status) =
                tokio::join!(async { tokio::join!(kept(stdout), kept(stderr)) }, child.wait());
            status.map(|s| (s.code(), out, err))
        };
        match tokio::time::timeout(self.limit, all).await {
            Ok(Ok((exit, (stdout, more), (stderr, more_err)))) => {
                Ok(Ran { exit, stdout, stderr, cut: more || more_err })
            }
            Ok(Err(e)) => Err(format!("{program} could not be waited for: {e}")),
            Err(_) => {
                end(&mut child).await;
                Err(format!("{program} did not end within {} s and was stopped", self.limit.as_secs_f32()))
            }
        }
    }
}

/// The whole group at once: a tool that hangs in a question has nothing to save.
async fn end(child: &mut Child) {
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    drop(tokio::time::timeout(DRAIN, child.wait()).await);
}

/// The beginning of what is printed; the rest is read and dropped, so that a full pipe stops nobody. True: there was more.
async fn kept(pipe: Option<impl AsyncRead + Unpin>) -> (String, bool) {
    let (mut kept, mut more, mut chunk) = (Vec::new(), false, vec![0; 8 << 10]);
    let Some(mut pipe) = pipe else { return (String::new(), false) };
    while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
        let room = OUTPUT.saturating_sub(kept.len()).min(n);
        kept.extend_from_slice(&chunk[..room]);
        more |= room < n;
    }
    (String::from_utf8_lossy(&kept).into_owned(), more)
}
