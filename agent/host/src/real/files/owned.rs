//! Opens a file that only root can have written. Each folder is opened by its name in the folder before, without following a link, and is
//! judged by its descriptor; the file is judged by the descriptor from which it is then read.

use super::folder::Folder;
use super::{RealFiles, look, stat_of};
use crate::owned::{file, folder};
use crate::{Owned, Unowned};
use nix::sys::stat::{Mode, fstat};
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

impl RealFiles {
    /// The file at an absolute path.
    pub(super) fn open_owned(&self, path: &Path) -> Result<(File, Owned), Unowned> {
        let io = |at: &Path, e: std::io::Error| Unowned::io(at, e);
        let mut at = PathBuf::from("/");
        let mut dir = Folder::top(&self.root).map_err(|e| io(&at, e))?;
        folder(&at, &dir.own_stat().map_err(|e| io(&at, e))?, self.user())?;
        let mut parts = names(path)?.into_iter().peekable();
        while let Some(name) = parts.next() {
            at.push(name);
            let seen = dir.stat(name).map_err(|e| io(&at, e))?;
            if parts.peek().is_some() {
                folder(&at, &seen, self.user())?;
                dir = dir.down(name).map_err(|e| io(&at, e))?;
                folder(&at, &dir.own_stat().map_err(|e| io(&at, e))?, self.user())?;
                continue;
            }
            // A first look, so that a pipe or a device is not opened.
            file(&at, &seen, self.user())?;
            let opened = dir.file(name, look(), Mode::empty()).map_err(|e| io(&at, e))?;
            let stat = stat_of(&fstat(&opened).map_err(|e| io(&at, e.into()))?);
            file(&at, &stat, self.user())?;
            return Ok((opened, Owned { stat, bytes: Vec::new() }));
        }
        Err(Unowned::NotAFile(path.into()))
    }

    pub(super) fn read_owned_file(&self, path: &Path, most: usize) -> Result<Owned, Unowned> {
        let (opened, mut owned) = self.open_owned(path)?;
        // One byte more, because the file may have grown since it was looked at.
        opened.take(most as u64 + 1).read_to_end(&mut owned.bytes).map_err(|e| Unowned::io(path, e))?;
        match owned.bytes.len() <= most {
            true => Ok(owned),
            false => Err(Unowned::Large { path: path.into(), size: owned.stat.size, most }),
        }
    }

    fn user(&self) -> u32 {
        nix::unistd::geteuid().as_raw()
    }
}

/// The parts of an absolute path without `..`.
fn names(path: &Path) -> Result<Vec<&str>, Unowned> {
    let invalid = || Unowned::io(path, super::invalid(path));
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str().ok_or_else(invalid)?),
            Component::ParentDir | Component::Prefix(_) => return Err(invalid()),
        }
    }
    if path.is_absolute() { Ok(names) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Files as _;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    const AT: &str = "/etc/podlift/checks.d/a.sh";

    struct Scratch {
        root: tempfile::TempDir,
        files: RealFiles,
    }

    impl Scratch {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let files = RealFiles::open(root.path()).unwrap();
            files.write(Path::new(AT), b"#!/bin/sh\n", 0o755).unwrap();
            Self { root, files }
        }
        fn on_disk(&self, path: &str) -> PathBuf {
            self.root.path().join(&path[1..])
        }
        fn mode(&self, path: &str, mode: u32) {
            fs::set_permissions(self.on_disk(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        fn why(&self) -> String {
            self.files.read_owned(Path::new(AT), 100).unwrap_err().to_string()
        }
    }

    #[test]
    fn the_file_of_root_is_read() {
        let s = Scratch::new();
        let owned = s.files.read_owned(Path::new(AT), 100).unwrap();
        assert_eq!((owned.bytes.as_slice(), owned.stat.mode), (b"#!/bin/sh\n".as_slice(), 0o755));
        let large = s.files.read_owned(Path::new(AT), 9).unwrap_err().to_string();
        assert_eq!(large, format!("{AT} has 10 bytes: expected at most 9"));
        let missing = s.files.read_owned(Path::new("/etc/podlift/x"), 100).unwrap_err();
        assert!(missing.is_missing(), "{missing}");
        for odd in ["etc/podlift/checks.d/a.sh", "/etc/../etc/podlift/checks.d/a.sh", "/"] {
            assert!(s.files.read_owned(Path::new(odd), 100).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_folder_or_file_that_others_can_write_is_named() {
        for (path, mode) in [(AT, 0o757), (AT, 0o775), ("/etc/podlift/checks.d", 0o777), ("/etc", 0o1777)] {
            let s = Scratch::new();
            s.mode(path, mode);
            let want = format!(
                "{path} can be written by others (mode {mode:04o}): expected root alone; chmod go-w {path}"
            );
            assert_eq!(s.why(), want);
        }
        let s = Scratch::new();
        fs::set_permissions(s.root.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(s.why().starts_with("/ can be written by others"), "{}", s.why());
    }

    #[test]
    fn links_pipes_and_folders_are_refused() {
        let s = Scratch::new();
        fs::rename(s.on_disk(AT), s.on_disk("/etc/podlift/real.sh")).unwrap();
        symlink("../real.sh", s.on_disk(AT)).unwrap();
        assert!(s.why().starts_with(&format!("{AT} is a symbolic link")), "{}", s.why());
        let s = Scratch::new();
        fs::rename(s.on_disk("/etc/podlift"), s.on_disk("/etc/real")).unwrap();
        symlink("real", s.on_disk("/etc/podlift")).unwrap();
        assert!(s.why().starts_with("/etc/podlift is a symbolic link"), "{}", s.why());
        let s = Scratch::new();
        fs::remove_file(s.on_disk(AT)).unwrap();
        nix::unistd::mkfifo(&s.on_disk(AT), Mode::from_bits_truncate(0o600)).unwrap();
        assert_eq!(s.why(), format!("{AT} is no regular file"));
        let s = Scratch::new();
        fs::remove_file(s.on_disk(AT)).unwrap();
        fs::create_dir(s.on_disk(AT)).unwrap();
        assert_eq!(s.why(), format!("{AT} is no regular file"));
    }

    /// Only root can give a file away; the doubles of the files show it without root.
    #[test]
    fn a_file_or_folder_of_another_user_is_named() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        for path in [AT, "/etc/podlift"] {
            let s = Scratch::new();
            std::os::unix::fs::chown(s.on_disk(path), Some(4242), None).unwrap();
            assert_eq!(s.why(), format!("{path} belongs to user 4242: expected root; chown root {path}"));
        }
    }

    #[test]
    fn a_program_may_be_reached_through_links() {
        let s = Scratch::new();
        s.files.write(Path::new("/usr/bin/python3.11"), b"", 0o755).unwrap();
        symlink("python3.11", s.on_disk("/usr/bin/python3")).unwrap();
        symlink("usr/bin", s.on_disk("/bin")).unwrap();
        let program = s.files.program(Path::new("/bin/python3")).unwrap();
        assert_eq!(program.mode, 0o755);
        s.mode("/usr/bin/python3.11", 0o757);
        let why = s.files.program(Path::new("/bin/python3")).unwrap_err().to_string();
        assert!(why.starts_with("/usr/bin/python3.11 can be written by others"), "{why}");
        assert!(s.files.program(Path::new("/bin/perl")).unwrap_err().is_missing());
    }
}
