//! Spawns programs: each in its own process group, without stdin, with an environment built from nothing. Only a time limit ends a program
//! (SIGTERM to the group, SIGKILL five seconds later).
#![allow(clippy::disallowed_methods)] // this is the edge

mod bounded;

use crate::{Bounded, Bounds, CommandError, Commands, Invocation, Output};
use async_trait::async_trait;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

const GRACE: Duration = Duration::from_secs(5);
/// How long to read on after the program has ended, because a grandchild may keep the pipe open.
const DRAIN: Duration = Duration::from_secs(1);
/// Maximum of bytes that are kept of each output.
const OUTPUT_LIMIT: u64 = 64 << 20;

pub struct RealCommands {
    root: PathBuf,
    path: Vec<PathBuf>,
    joined: String,
}

impl RealCommands {
    pub fn new(path: Vec<PathBuf>) -> Self {
        let dirs: Vec<String> = path.iter().map(|p| p.display().to_string()).collect();
        Self { root: "/".into(), path, joined: dirs.join(":") }
    }

    /// With the node's folders and programs below `root`. The search path itself stays as given.
    pub fn below(self, root: &Path) -> Self {
        Self { root: root.into(), ..self }
    }

    fn find(&self, program: &str) -> Result<PathBuf, CommandError> {
        let found = match program.starts_with('/') {
            true => Some(super::below(&self.root, Path::new(program))).filter(|file| file.is_file()),
            false => self.path.iter().map(|dir| dir.join(program)).find(|file| file.is_file()),
        };
        found.ok_or_else(|| CommandError::NotFound { program: program.into(), path: self.joined.clone() })
    }

    /// The call in a process group of its own, with its outputs as pipes. The standard input is the caller's choice.
    fn command(&self, call: &Invocation) -> Result<Command, CommandError> {
        let folder = call.folder.map_or("/".into(), |folder| super::below(&self.root, Path::new(folder)));
        let mut command = Command::new(self.find(call.program)?);
        command
            .args(&call.args)
            .env_clear()
            .env("PATH", &self.joined)
            .envs(call.env.iter().map(|(name, value)| (*name, value)))
            .current_dir(folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }
}

#[async_trait]
impl Commands for RealCommands {
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError> {
        let spawn_failed = |e: io::Error| not_run(call, &e);
        let mut child = self.command(call)?.stdin(Stdio::null()).spawn().map_err(spawn_failed)?;
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let status = match tokio::time::timeout(call.timeout, child.wait()).await {
            Ok(status) => status.map_err(spawn_failed)?,
            Err(_) => {
                stop(&mut child).await;
                return Err(CommandError::TimedOut {
                    program: call.program.into(),
                    seconds: call.timeout.as_secs(),
                });
            }
        };
        let code = exit_code(call.program, status)?;
        Ok(Output { code, stdout: finish(stdout).await, stderr: finish(stderr).await })
    }

    async fn run_bounded(&self, call: &Invocation, bounds: &Bounds) -> Result<Bounded, CommandError> {
        bounded::run(self, call, bounds).await
    }
}

fn not_run(call: &Invocation, error: &io::Error) -> CommandError {
    CommandError::Spawn { program: call.program.into(), why: error.to_string() }
}

fn exit_code(program: &str, status: ExitStatus) -> Result<i32, CommandError> {
    let signal = || CommandError::Signalled { program: program.into(), signal: status.signal().unwrap_or(0) };
    status.code().ok_or_else(signal)
}

/// Sends SIGTERM to the whole group, then SIGKILL.
async fn stop(child: &mut Child) {
    let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else { return };
    let _ = killpg(group, Signal::SIGTERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = killpg(group, Signal::SIGKILL);
        drop(child.wait().await);
    }
}

type Collected = (JoinHandle<()>, Arc<Mutex<Vec<u8>>>);

/// Reads while the program runs, so that a full pipe never blocks it.
fn collect(pipe: Option<impl AsyncRead + Unpin + Send + 'static>) -> Collected {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let into = bytes.clone();
    let task = tokio::spawn(async move {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = vec![0; 16 << 10];
        while let Ok(n) = pipe.read(&mut chunk).await {
            if n == 0 {
                return;
            }
            let mut kept = into.lock().await;
            if (kept.len() as u64) < OUTPUT_LIMIT {
                kept.extend_from_slice(&chunk[..n]);
            }
        }
    });
    (task, bytes)
}

async fn finish((mut task, bytes): Collected) -> String {
    if tokio::time::timeout(DRAIN, &mut task).await.is_err() {
        task.abort();
    }
    String::from_utf8_lossy(&bytes.lock().await).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> RealCommands {
        RealCommands::new(vec!["/nonexistent".into(), "/usr/bin".into(), "/bin".into()])
    }

    #[tokio::test]
    async fn environment_exit_code_and_outputs() {
        let call = Invocation::new("sh", ["-c", "echo out $A $HOME; echo err >&2; exit 3"]).env("A", "x");
        let output = commands().run(&call).await.unwrap();
        assert_eq!(output, Output { code: 3, stdout: "out x\n".into(), stderr: "err\n".into() });
        let env = commands().run(&Invocation::new("env", [""; 0])).await.unwrap();
        assert_eq!(env.stdout, "LC_ALL=C.UTF-8\nPATH=/nonexistent:/usr/bin:/bin\n");
    }

    #[tokio::test]
    async fn programs_and_folders_of_the_node() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/bin/sh", root.path().join("bin/own")).unwrap();
        let commands = commands().below(root.path());
        let call = Invocation::new("/bin/own", ["-c", "pwd"]).in_folder("/bin");
        let said = commands.run(&call).await.unwrap().stdout;
        assert_eq!(said.trim(), root.path().canonicalize().unwrap().join("bin").display().to_string());
        let missing = commands.run(&Invocation::new("/bin/sh", [""; 0])).await.unwrap_err();
        assert!(matches!(missing, CommandError::NotFound { .. }), "{missing}");
    }

    #[tokio::test]
    async fn what_is_not_there_or_never_ends() {
        let missing = commands().run(&Invocation::new("no-such-program", ["x"])).await.unwrap_err();
        assert!(missing.to_string().contains("commands.path"), "{missing}");
        let slow = Invocation::new("sh", ["-c", "sleep 600 & wait"]).timeout(Duration::from_millis(50));
        let slow = commands().run(&slow).await.unwrap_err();
        assert!(matches!(slow, CommandError::TimedOut { .. }), "{slow}");
        let killed = commands().run(&Invocation::new("sh", ["-c", "kill -9 $$"])).await.unwrap_err();
        assert_eq!(killed, CommandError::Signalled { program: "sh".into(), signal: 9 });
    }
}
