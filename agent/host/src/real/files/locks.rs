//! Who has a lock (fcntl) on a file. Asks; never takes one.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::io;

/// 0: a process that this one can't see.
pub fn holder(file: &File) -> io::Result<Option<u32>> {
    // The question is: what would keep a writer of the whole file from its lock?
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
