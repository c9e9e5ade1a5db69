//! Preconditions of the agent's start. Each failure names itself and the remedy. This module only reads.

use crate::config::Role;
use podlift_host::Files;
use podlift_host::paths;
use std::io;
use std::path::Path;

/// Whether this is a control-plane node, by its configuration or by its memory.
pub fn is_control_plane(role: Option<Role>, learned: bool) -> bool {
    match role {
        Some(role) => role == Role::ControlPlane,
        None => learned,
    }
}

const KUBERNETES: &str = "/etc/kubernetes";
/// A file that kubeadm writes only on control-plane nodes.
const ADMIN: &str = "/etc/kubernetes/admin.conf";

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{dir} does not exist, and this is a control-plane node ({evidence}): the kubelet would run no API server, and nothing could be healed; put the folder and its manifests back, or set role = \"worker\" in {config}",
        dir = paths::MANIFESTS,
        config = paths::CONFIG
    )]
    NoManifests { evidence: &'static str },
    #[error(
        "{state} is on another file system than {KUBERNETES}: the ledger could be lost, full or not mounted while manifests are changed; put both on one, or set allow_other_filesystem = true in {config} if that is meant",
        state = paths::STATE,
        config = paths::CONFIG
    )]
    OtherFileSystem,
    #[error("{path} can't be looked at ({source}); mend its permissions")]
    Unreadable { path: String, source: io::Error },
}

impl StartError {
    /// The reason as a metric label.
    pub fn why(&self) -> &'static str {
        match self {
            Self::NoManifests { .. } | Self::Unreadable { .. } => "manifests",
            Self::OtherFileSystem => "filesystem",
        }
    }
}

/// Checks the manifest directory, which a control-plane node must have and a worker need not.
pub fn manifests(files: &dyn Files, role: Option<Role>, learned: bool) -> Result<(), StartError> {
    let evidence = match role {
        Some(Role::Worker | Role::Head) => return Ok(()),
        Some(Role::ControlPlane) => "role = \"control-plane\"",
        None if learned => "its manifests were learned before",
        None if files.stat(Path::new(ADMIN)).is_ok() => "/etc/kubernetes/admin.conf is there",
        None => return Ok(()),
    };
    match files.list(Path::new(paths::MANIFESTS)) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(StartError::NoManifests { evidence }),
        Err(source) => Err(StartError::Unreadable { path: paths::MANIFESTS.into(), source }),
    }
}

/// Checks that both folders are on one file system. A folder that does not exist yet counts as on its parent's.
pub fn one_file_system(files: &dyn Files, allowed: bool) -> Result<(), StartError> {
    let device = |path: &str| {
        let found = Path::new(path).ancestors().find_map(|p| match files.identity(p) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            other => Some(other.map(|(device, _)| device)),
        });
        let source = |source| StartError::Unreadable { path: path.into(), source };
        found.transpose().map_err(source)
    };
    match allowed || device(paths::STATE)? == device(KUBERNETES)? {
        true => Ok(()),
        false => Err(StartError::OtherFileSystem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::real::RealFiles;
    use podlift_host::testing::MemFiles;

    /// Files in which one folder is on another disk.
    struct Mounted(&'static str);

    impl Files for Mounted {
        fn identity(&self, dir: &Path) -> io::Result<(u64, u64)> {
            let there = ["/", "/etc", "/var", "/var/lib", self.0].iter().any(|p| Path::new(p) == dir);
            let gone = || io::Error::from(io::ErrorKind::NotFound);
            there.then(|| (u64::from(dir.starts_with(self.0)), 1)).ok_or_else(gone)
        }
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            MemFiles::default().read(path)
        }
        fn stat(&self, path: &Path) -> io::Result<podlift_host::Stat> {
            MemFiles::default().stat(path)
        }
        fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
            MemFiles::default().list(dir)
        }
        fn write(&self, _: &Path, _: &[u8], _: u32) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn append(&self, _: &Path, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn remove(&self, _: &Path) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn remove_tree(&self, _: &Path) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn replace(
            &self,
            _: &Path,
            _: &[u8],
            _: &podlift_host::Stat,
            _: &podlift_model::Digest,
            _: &Path,
        ) -> Result<(), podlift_host::ReplaceError> {
            Err(podlift_host::ReplaceError::Changed)
        }
        fn free_bytes(&self, _: &Path) -> io::Result<u64> {
            Ok(0)
        }
    }

    #[test]
    fn another_file_system_is_refused_unless_it_is_meant() {
        for mounted in ["/var", "/var/lib/podlift", "/etc/kubernetes"] {
            let refused = one_file_system(&Mounted(mounted), false).unwrap_err().to_string();
            assert!(refused.contains("allow_other_filesystem"), "{mounted}: {refused}");
            assert!(one_file_system(&Mounted(mounted), true).is_ok());
        }
        assert!(one_file_system(&Mounted("/home"), false).is_ok());
    }

    #[test]
    fn a_control_plane_node_without_its_folder_is_refused_and_a_worker_is_not() {
        let root = tempfile::tempdir().unwrap();
        let files = RealFiles::open(root.path()).unwrap();
        assert!(manifests(&files, None, false).is_ok(), "nothing says what it is");
        assert!(manifests(&files, Some(Role::ControlPlane), false).is_err());
        assert!(manifests(&files, None, true).is_err());
        files.write(Path::new(ADMIN), b"", 0o600).unwrap();
        let refused = manifests(&files, None, false).unwrap_err().to_string();
        assert!(refused.contains("/etc/kubernetes/manifests") && refused.contains("admin.conf"), "{refused}");
        assert!(manifests(&files, Some(Role::Worker), true).is_ok());
        assert!(manifests(&files, Some(Role::Head), true).is_ok());
        files.write(Path::new("/etc/kubernetes/manifests/x.yaml"), b"", 0o600).unwrap();
        assert!(manifests(&files, None, true).is_ok());
    }
}
