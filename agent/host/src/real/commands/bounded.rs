//! Runs a program that may hang or flood: its outputs are read while it runs, and only their ends are kept. Its script is a sealed file in
//! memory, so that exactly the bytes that were judged are the ones that it reads.

use super::{DRAIN, RealCommands, not_run, stop};
use crate::commands::tail;
use crate::{Bounded, Bounds, CommandError, End, Invocation};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(super) async fn run(
    commands: &RealCommands,
    call: &Invocation,
    bounds: &Bounds,
) -> Result<Bounded, CommandError> {
    let failed = |e: io::Error| not_run(call, &e);
    let script = sealed(&bounds.script).map_err(failed)?;
    let began = Instant::now();
    let mut child = commands.command(call)?.stdin(script).spawn().map_err(failed)?;
    let flood = Arc::new(Flood { most: bounds.most, ..Flood::default() });
    let stdout = Kept::read(child.stdout.take(), bounds.kept, &flood);
    let stderr = Kept::read(child.stderr.take(), bounds.kept, &flood);
    let end = tokio::select! {
        status = child.wait() => of_status(status.map_err(failed)?),
        () = flood.seen.notified() => End::Output,
        () = tokio::time::sleep(call.timeout) => End::Time,
    };
    if matches!(end, End::Time | End::Output) {
        stop(&mut child).await;
    }
    let took = began.elapsed();
    let (stdout, stderr) = (stdout.end().await, stderr.end().await);
    // A program that prints a lot may end before all of it is read.
    let end = if flood.is_over() { End::Output } else { end };
    Ok(Bounded { end, stdout, stderr, took })
}

/// Nobody can change the file after this, not even through the descriptor. Its offset is at its end.
fn sealed(bytes: &[u8]) -> io::Result<File> {
    let fd = memfd_create("script", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    let seals =
        SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

fn of_status(status: ExitStatus) -> End {
    match status.code() {
        Some(code) => End::Exited(code),
        None => End::Signalled(status.signal().unwrap_or(0)),
    }
}

/// Bytes of both outputs.
#[derive(Default)]
struct Flood {
    most: usize,
    read: AtomicUsize,
    seen: Notify,
}

impl Flood {
    /// Whether more may come.
    fn add(&self, bytes: usize) -> bool {
        self.read.fetch_add(bytes, Ordering::Relaxed);
        if self.is_over() {
            self.seen.notify_one();
        }
        !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.read.load(Ordering::Relaxed) > self.most
    }
}

/// The end of one output, while it grows.
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    kept: usize,
    task: JoinHandle<()>,
}

impl Kept {
    /// Reads until the output ends, or until there is too much of it.
    fn read(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, kept: usize, flood: &Arc<Flood>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (into, flood) = (bytes.clone(), flood.clone());
        let task = tokio::spawn(async move {
            let Some(mut pipe) = pipe else { return };
            let mut chunk = vec![0; 16 << 10];
            while let Ok(n @ 1..) = pipe.read(&mut chunk).await {
                let goes_on = flood.add(n);
                let mut all = into.lock().unwrap_or_else(PoisonError::into_inner);
                all.extend_from_slice(&chunk[..n]);
                let over = all.len().saturating_sub(kept);
                all.drain(..over);
                drop(all);
                if !goes_on {
                    return;
                }
            }
        });
        Self { bytes, kept, task }
    }

    /// What was kept when the program had ended. A process that it left behind may still hold the pipe, and is not waited for.
    async fn end(mut self) -> String {
        if tokio::time::timeout(DRAIN, &mut self.task).await.is_err() {
            self.task.abort();
        }
        tail(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner), self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Commands as _;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(60);

    /// Runs a script as the only input of a shell.
    async fn run(script: &str, limit: Duration) -> Bounded {
        let commands = RealCommands::new(vec!["/usr/bin".into(), "/bin".into()]);
        let call = Invocation::new("sh", ["/dev/fd/0", "first", "second"]).timeout(limit);
        let bounds = Bounds { script: script.as_bytes().to_vec(), most: 64 << 10, kept: 1 << 10 };
        commands.run_bounded(&call, &bounds).await.unwrap()
    }

    #[tokio::test]
    async fn a_script_in_memory_its_arguments_and_an_empty_input() {
        let ended = run("echo $# $2; cat; echo oh >&2; exit 7", LONG).await;
        assert_eq!(ended.end, End::Exited(7));
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("2 second\n", "oh\n"));
        let killed = run("kill -9 $$", LONG).await;
        assert_eq!(killed.end, End::Signalled(9));
    }

    #[tokio::test]
    async fn a_script_cannot_change_itself() {
        let ended = run("echo more >>/dev/fd/0 || echo refused; echo end", LONG).await;
        assert_eq!(
            (ended.end, ended.stdout.as_str()),
            (End::Exited(0), "refused\nend\n"),
            "{}",
            ended.stderr
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_its_children() {
        let ended = run("echo begun; tail -f /dev/null & wait", Duration::from_millis(200)).await;
        assert_eq!((ended.end, ended.stdout.as_str()), (End::Time, "begun\n"));
    }

    #[tokio::test]
    async fn a_program_that_floods_is_ended_and_the_end_of_its_output_is_kept() {
        let ended = run("echo first; while :; do echo 0123456789; done", LONG).await;
        assert_eq!((ended.end, ended.stdout.len()), (End::Output, 1 << 10));
        assert!(!ended.stdout.contains("first") && ended.stdout.contains("0123456789"));
        let errors = run("while :; do echo 0123456789 >&2; done", LONG).await;
        assert_eq!((errors.end, errors.stderr.len()), (End::Output, 1 << 10));
        // Its own exit code means nothing then.
        let ended = run("head -c 100000 /dev/zero | tr '\\0' x; exit 0", LONG).await;
        assert_eq!(ended.end, End::Output);
    }

    /// The process that stays is in a session of its own, and holds both pipes until the test lets it go.
    #[tokio::test]
    async fn a_program_that_forks_away_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let gate = dir.path().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        let script = format!("setsid cat {} & echo forked", gate.display());
        let ended = run(&script, LONG).await;
        assert_eq!((ended.end, ended.stdout.as_str()), (End::Exited(0), "forked\n"));
        drop(std::fs::OpenOptions::new().write(true).open(&gate).unwrap());
    }
}
