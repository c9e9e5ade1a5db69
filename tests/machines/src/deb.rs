//! A .deb from data, by dpkg-deb.

use crate::layer::write;
use crate::shell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, Default)]
pub struct Deb {
    pub name: String,
    pub version: String,
    pub depends: String,
    /// Path, content, mode.
    pub files: Vec<(String, Vec<u8>, u32)>,
    pub conffiles: Vec<String>,
    /// Maintainer scripts by name.
    pub scripts: Vec<(String, String)>,
}

impl Deb {
    pub fn new(name: &str, version: &str) -> Self {
        Self { name: name.into(), version: version.into(), ..Self::default() }
    }

    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.files.push((path.into(), content.into(), mode));
        self
    }

    /// A file that is the administrator's to change.
    pub fn conffile(mut self, path: &str, content: &str) -> Self {
        self.conffiles.push(path.into());
        self.file(path, content, 0o644)
    }

    pub fn depends(mut self, text: &str) -> Self {
        self.depends = text.into();
        self
    }

    pub fn script(mut self, name: &str, text: &str) -> Self {
        self.scripts.push((name.into(), text.into()));
        self
    }

    /// Writes it into a folder. Not compressed: its files take dpkg as long as those of the real ones.
    pub async fn build(&self, into: &Path) -> anyhow::Result<PathBuf> {
        let tree = tempfile::tempdir()?;
        for (path, content, mode) in &self.files {
            let place = tree.path().join(path.trim_start_matches('/'));
            write(&place, content, *mode)?;
            File::options().write(true).open(&place)?.set_modified(self.built())?;
        }
        let control = tree.path().join("DEBIAN");
        write(&control.join("control"), self.control(), 0o644)?;
        if !self.conffiles.is_empty() {
            write(&control.join("conffiles"), format!("{}\n", self.conffiles.join("\n")), 0o644)?;
        }
        for (name, text) in &self.scripts {
            write(&control.join(name), text, 0o755)?;
        }
        let file = into.join(format!("{}_{}_{}.deb", self.name, self.version, arch()));
        let (from, to) = (tree.path().display().to_string(), file.display().to_string());
        shell::run(&["chmod", "755", &from]).await?;
        shell::run(&["dpkg-deb", "--root-owner-group", "-Znone", "-b", &from, &to]).await?;
        Ok(file)
    }

    /// Two versions are never of one second: rsync knows a file by its size and time.
    fn built(&self) -> SystemTime {
        const OCTOBER: u64 = 1_730_000_000;
        let number = self.version.bytes().fold(0, |n, b| (n * 31 + u64::from(b)) % 30_000_000);
        UNIX_EPOCH + Duration::from_secs(OCTOBER + number)
    }

    fn control(&self) -> String {
        let depends = match self.depends.is_empty() {
            true => String::new(),
            false => format!("Depends: {}\n", self.depends),
        };
        format!(
            "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: Kubernetes Authors <dev@kubernetes.io>\n{depends}\
             Section: net\nPriority: optional\nDescription: {} of a lab\n",
            self.name,
            self.version,
            arch(),
            self.name
        )
    }
}

/// As Debian calls this machine's architecture.
pub fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}
