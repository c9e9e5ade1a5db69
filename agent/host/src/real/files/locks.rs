//! The process that has a lock (fcntl) on a file. It only asks and takes no lock.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::io;

/// The process id; 0 for a process that this one can't see.
pub fn holder(file: &File) -> io::Result<Option<u32>> {
    // Asks which lock would block a write lock on the whole file.
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    let free = lock.l_type == libc::F_UNLCK as libc::c_short;
    Ok((!free).then(|| u32::try_from(lock.l_pid).unwrap_or(0)))
}
