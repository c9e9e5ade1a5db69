//! Copies that survive a crash of the coordinator: each in a file, encrypted with a key that is made on this host and leaves it with no
//! backup. Whoever can read the key's file can read the copies; the directory belongs to the coordinator's user alone.

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use podlift_model::Digest;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const IDENTITY: &str = "identity";

pub struct HostCopies {
    dir: PathBuf,
    identity: Identity,
}

impl HostCopies {
    /// Opens the directory, and makes it and its key where they are missing.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let path = dir.join(IDENTITY);
        let identity = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|e| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{} is no identity of age: {e}", path.display()),
                )
            })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let identity = Identity::generate();
                replace(dir, &path, identity.to_string().expose_secret().as_bytes())?;
                identity
            }
            Err(e) => return Err(e),
        };
        Ok(Self { dir: dir.into(), identity })
    }

    /// Keeps the newest copy of this name.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let sealed = age::encrypt(&self.identity.to_public(), bytes).map_err(io::Error::other)?;
        replace(&self.dir, &self.path(name), &sealed)
    }

    /// `None` if there is no copy of this name.
    pub fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)) {
            Ok(sealed) => age::decrypt(&self.identity, &sealed).map(Some).map_err(io::Error::other),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A name is any text of the cluster, so that no file has it as its own.
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{}.age", Digest::of(name)))
    }
}

/// The whole new file or the one before, whatever happens in between.
fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // It is made with the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_copy_is_there_after_a_restart_and_only_its_owner_reads_it() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("copies");
        let copies = HostCopies::open(&dir).unwrap();
        assert_eq!(copies.get("runai/ui-tls").unwrap(), None);
        copies.put("runai/ui-tls", b"first").unwrap();
        copies.put("runai/ui-tls", b"second").unwrap();
        copies.put("../x", b"other").unwrap();
        let again = HostCopies::open(&dir).unwrap();
        assert_eq!(again.get("runai/ui-tls").unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(again.get("../x").unwrap().as_deref(), Some(&b"other"[..]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        let files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 3, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600);
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(6).any(|w| w == b"second"), "{file:?} is not encrypted");
        }
    }

    #[test]
    fn a_key_that_is_none_is_named_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(IDENTITY), "no key").unwrap();
        let error = HostCopies::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("identity is no identity of age"), "{error}");
        assert_eq!(fs::read(dir.path().join(IDENTITY)).unwrap(), b"no key");
    }
}
