//! A thread with a network and mounts of its own: the bridge, the addresses and the overlays of a fleet are seen by no other process, collide
//! with nothing of this machine, and are gone with the last process that uses them.

use anyhow::{Context as _, anyhow};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::path::Path;

/// Runs `work` there, on a runtime of its own. A panic of it is a panic of the caller.
pub fn run<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let thread = std::thread::Builder::new().name("machines".into()).spawn(move || {
        leave()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(work)
    })?;
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn leave() -> anyhow::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).context(
        "a network and mounts of one's own: unshare(2) was refused; machines need a host that allows it",
    )?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("private mounts")
}

/// Runs `act` in the network of that process: what it opens stays there.
pub fn in_network_of<T: Send + 'static>(
    pid: i32,
    act: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let there = File::open(Path::new("/proc").join(pid.to_string()).join("ns/net"))?;
    let thread = std::thread::spawn(move || {
        setns(&there, CloneFlags::CLONE_NEWNET)?;
        act()
    });
    thread.join().unwrap_or_else(|_| Err(std::io::Error::other(anyhow!("a panic in another network"))))
}
