//! Processes of this machine, by pidfd (Linux 5.3 and newer).

use crate::processes::{OpenProcess, Processes};
use podlift_model::checkpoint::CheckpointSignal;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io;
use std::os::fd::OwnedFd;

pub struct RealProcesses;

struct Opened(OwnedFd);

impl Processes for RealProcesses {
    fn open(&self, pid: u32) -> io::Result<Box<dyn OpenProcess>> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{pid} is no number of a process"))
        })?;
        Ok(Box::new(Opened(pidfd_open(number, PidfdFlags::empty())?)))
    }
}

impl OpenProcess for Opened {
    fn send(&self, signal: CheckpointSignal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.0, number(signal))?)
    }
}

fn number(signal: CheckpointSignal) -> Signal {
    match signal {
        CheckpointSignal::Hup => Signal::HUP,
        CheckpointSignal::Int => Signal::INT,
        CheckpointSignal::Quit => Signal::QUIT,
        CheckpointSignal::Usr1 => Signal::USR1,
        CheckpointSignal::Usr2 => Signal::USR2,
        CheckpointSignal::Term => Signal::TERM,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the test starts its own process
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    #[test]
    fn a_signal_reaches_the_opened_process_and_no_later_one() {
        // A test run in the background ignores HUP, INT and QUIT, and so do its children.
        for signal in [CheckpointSignal::Usr1, CheckpointSignal::Usr2, CheckpointSignal::Term] {
            let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            let opened = RealProcesses.open(child.id()).unwrap();
            opened.send(signal).unwrap();
            let ended = child.wait().unwrap();
            assert_eq!(ended.signal().map(i32::unsigned_abs), Some(signal.number()), "{signal}");
            let late = opened.send(signal).unwrap_err();
            assert_eq!(late.raw_os_error(), Some(nix::errno::Errno::ESRCH as i32), "{late}");
        }
        for signal in CheckpointSignal::ALL {
            assert_eq!(number(*signal).as_raw().unsigned_abs(), signal.number(), "{signal}");
        }
        assert_eq!(RealProcesses.open(0).err().unwrap().kind(), io::ErrorKind::InvalidInput);
        assert!(RealProcesses.open(u32::MAX).is_err());
    }
}
