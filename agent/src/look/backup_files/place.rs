//! One place of the closed list: a file, or a folder down to a given depth. Pure.

use std::path::{Component, Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// Depth of folders; 0 for the file itself.
    depth: usize,
    /// Endings of file names; an empty list means all.
    endings: &'static [&'static str],
    /// Whether files are secret that their ending does not identify.
    secret: bool,
}

impl Place {
    pub fn file(path: impl Into<PathBuf>, secret: bool) -> Self {
        Self { path: path.into(), depth: 0, endings: &[], secret }
    }

    pub fn folder(
        path: impl Into<PathBuf>,
        depth: usize,
        endings: &'static [&'static str],
        secret: bool,
    ) -> Self {
        Self { path: path.into(), depth, endings, secret }
    }

    /// Whether the place contains a file of this path. Names that begin with a dot are marks and scratch, and are left out.
    pub fn covers(&self, path: &Path) -> bool {
        let Some(below) = self.below(path) else { return false };
        match below.last() {
            None => self.depth == 0,
            Some(name) => {
                below.len() <= self.depth
                    && (self.endings.is_empty() || self.endings.iter().any(|e| name.ends_with(e)))
            }
        }
    }

    /// Whether this folder may contain files of the place.
    pub fn enters(&self, dir: &Path) -> bool {
        self.below(dir).is_some_and(|below| below.len() < self.depth)
    }

    /// Names from the place's own path to this one.
    fn below<'a>(&self, path: &'a Path) -> Option<Vec<&'a str>> {
        let rest = path.strip_prefix(&self.path).ok()?;
        let name = |part: Component<'a>| match part {
            Component::Normal(name) => name.to_str().filter(|n| !n.starts_with('.') && !n.ends_with(".part")),
            _ => None,
        };
        rest.components().map(name).collect()
    }

    pub fn secret(&self, path: &Path) -> bool {
        match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
            "crt" | "cert" | "pub" | "csr" => false,
            // The kubelet keeps its key in the file of its certificate.
            "key" | "pem" | "db" => true,
            _ => self.secret,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_it_and_has_its_ending() {
        let place = Place::folder("/etc/kubernetes", 1, &[".conf"], true);
        let covers = |path: &str| place.covers(Path::new(path));
        assert!(covers("/etc/kubernetes/admin.conf"));
        for path in [
            "/etc/kubernetes",
            "/etc/kubernetes/admin.conf.bak",
            "/etc/kubernetes/x/admin.conf",
            "/etc/kubernetes/.admin.conf",
            "/etc/kubernetes/../shadow.conf",
            "/etc/kubernetesx/admin.conf",
            "/etc/shadow",
        ] {
            assert!(!covers(path), "{path}");
        }
        let file = Place::file("/var/lib/kubelet/config.yaml", false);
        assert!(file.covers(Path::new("/var/lib/kubelet/config.yaml")));
        assert!(!file.covers(Path::new("/var/lib/kubelet/config.yaml/x")));
        let pki = Place::folder("/etc/kubernetes/pki", 2, &[], true);
        assert!(pki.covers(Path::new("/etc/kubernetes/pki/etcd/ca.crt")));
        assert!(!pki.covers(Path::new("/etc/kubernetes/pki/a/b/c.crt")));
        assert!(
            pki.enters(Path::new("/etc/kubernetes/pki/a"))
                && !pki.enters(Path::new("/etc/kubernetes/pki/a/b"))
        );
    }

    #[test]
    fn keys_and_what_is_not_known_are_secret() {
        let pki = Place::folder("/p", 3, &[], true);
        let secret =
            ["ca.key", "sa.key", "kubelet-client-2026.pem", "users.csv"].map(|n| pki.secret(Path::new(n)));
        assert_eq!(secret, [true; 4]);
        assert_eq!(["ca.crt", "sa.pub"].map(|n| pki.secret(Path::new(n))), [false; 2]);
        let manifests = Place::folder("/m", 1, &[], false);
        assert!(!manifests.secret(Path::new("a.yaml")) && manifests.secret(Path::new("a.key")));
    }
}
