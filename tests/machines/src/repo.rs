//! Package repositories as pkgs.k8s.io lays them out: one a minor, flat, signed by a key that is thrown away with the machines.

use crate::deb::Deb;
use crate::layer::write;
use crate::shell;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Where the machines look for the key.
pub const KEYRING: &str = "/etc/apt/keyrings/kubernetes-apt-keyring.gpg";

pub struct Repositories {
    /// What is served.
    pub dir: PathBuf,
    /// The public key, as apt reads it.
    pub key: Vec<u8>,
    keys: PathBuf,
}

impl Repositories {
    pub async fn new(dir: PathBuf, keys: PathBuf) -> anyhow::Result<Self> {
        write(&keys.join("gpg.conf"), "", 0o600)?;
        shell::run(&["chmod", "700", &keys.display().to_string()]).await?;
        let this = Self { dir, key: vec![], keys };
        let who = "lab <lab@podlift.invalid>";
        this.gpg(&["--passphrase", "", "--quick-generate-key", who, "ed25519", "sign", "never"]).await?;
        let out = this.keys.join("public.gpg").display().to_string();
        this.gpg(&["--output", &out, "--export"]).await?;
        let key = std::fs::read(&out).context(out)?;
        Ok(Self { key, ..this })
    }

    /// Adds the repository of a minor.
    pub async fn add(&self, minor: u16, packages: &[Deb]) -> anyhow::Result<()> {
        let dir = self.dir.join(path(minor));
        std::fs::create_dir_all(dir.join("pool"))?;
        for package in packages {
            package.build(&dir.join("pool")).await?;
        }
        self.index(&dir).await
    }

    async fn index(&self, dir: &Path) -> anyhow::Result<()> {
        let at = dir.display().to_string();
        let packages = shell::run(&["sh", "-c", "cd \"$0\" && apt-ftparchive packages pool", &at]).await?;
        write(&dir.join("Packages"), packages, 0o644)?;
        let release = shell::run(&["apt-ftparchive", "release", &at]).await?;
        write(&dir.join("Release"), release, 0o644)?;
        let signed = dir.join("InRelease").display().to_string();
        let release = dir.join("Release").display().to_string();
        self.gpg(&["--yes", "--clearsign", "--output", &signed, &release]).await.map(drop)
    }

    async fn gpg(&self, args: &[&str]) -> anyhow::Result<String> {
        let home = self.keys.display().to_string();
        let mut argv = vec!["gpg", "--homedir", &home, "--batch", "--quiet"];
        argv.extend(args);
        let said = shell::run(&argv).await;
        // gpg's agent would stay.
        shell::ended(&["gpgconf", "--homedir", &home, "--kill", "all"]).await?;
        said
    }
}

/// Below the address of the repositories.
pub fn path(minor: u16) -> String {
    format!("core:/stable:/v1.{minor}/deb")
}

/// The line of a node's `kubernetes.list`.
pub fn source(host: &str, minor: u16) -> String {
    format!("deb [signed-by={KEYRING}] http://{host}/{}/ /\n", path(minor))
}
