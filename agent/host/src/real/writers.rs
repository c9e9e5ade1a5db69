//! The processes that write in a folder, by fanotify. It needs CAP_SYS_ADMIN, Linux 5.9, and a filesystem with file handles. It is armed
//! only while another process undoes repairs, and polled instead of awaited, so that it causes no wakeups.

mod event;
pub(super) mod process;

use crate::{Process, Writers, Writing};
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};
use std::io;
use std::path::Path;

/// FAN_REPORT_FID, FAN_REPORT_DIR_FID and FAN_REPORT_NAME (linux/fanotify.h): events name the entry of the folder that changed, also after
/// a rename.
const REPORT_NAME: u32 = 0x200 | 0x400 | 0x800;
const BUFFER: usize = 16 << 10;

pub struct Fan {
    group: Fanotify,
    /// The last writer, so that a process which writes again is looked up once.
    last: Option<Process>,
}

impl Fan {
    pub fn arm(dir: &Path) -> io::Result<Self> {
        let flags = InitFlags::FAN_CLOEXEC | InitFlags::FAN_NONBLOCK | InitFlags::FAN_CLASS_NOTIF;
        let flags = flags | InitFlags::from_bits_retain(REPORT_NAME);
        let group = Fanotify::init(flags, EventFFlags::O_RDONLY | EventFFlags::O_CLOEXEC).map_err(named)?;
        let mask = MaskFlags::FAN_CLOSE_WRITE
            | MaskFlags::FAN_MOVED_TO
            | MaskFlags::FAN_MOVED_FROM
            | MaskFlags::FAN_DELETE
            | MaskFlags::FAN_EVENT_ON_CHILD;
        let how = MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_ONLYDIR;
        group.mark(how, mask, AT_FDCWD, Some(dir)).map_err(named)?;
        Ok(Self { group, last: None })
    }
}

impl Fan {
    fn identify(&mut self, pid: i32) -> Result<Process, String> {
        if let Some(known) = self.last.as_ref().filter(|known| known.pid == pid) {
            return Ok(known.clone());
        }
        let process = process::identify(pid)?;
        self.last = Some(process.clone());
        Ok(process)
    }
}

fn named(e: Errno) -> io::Error {
    io::Error::new(io::Error::from(e).kind(), format!("fanotify: {}", e.desc()))
}

impl Writers for Fan {
    fn seen(&mut self) -> Vec<Writing> {
        let mut buffer = [0; BUFFER];
        let mut seen = Vec::new();
        while let Ok(len @ 1..) = nix::unistd::read(&self.group, &mut buffer) {
            for event in event::parse(&buffer[..len]) {
                if event.pid != std::process::id().cast_signed() {
                    seen.push(Writing { name: event.name, by: self.identify(event.pid) });
                }
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests;
