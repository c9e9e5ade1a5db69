//! The product's own packages, from the binaries of this build.

use crate::shell;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Paths of the two .deb files.
#[derive(Debug, Clone)]
pub struct Product {
    pub agent: PathBuf,
    pub coordinator: PathBuf,
}

/// Packs the programs that lie beside `exe`, under a version of its own where one is given.
pub async fn pack(exe: &Path, into: &Path, version: Option<&str>) -> anyhow::Result<Product> {
    let bin = programs(exe)?;
    let profile = match bin.file_name().and_then(|n| n.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => "release",
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/package");
    let target = format!("CARGO_TARGET_DIR={}", bin.parent().unwrap_or(&bin).display());
    let (script, out) = (script.display().to_string(), into.display().to_string());
    let mut argv = vec!["env", &target, &script, "--no-build", "--profile", profile, "--out", &out];
    argv.extend(version.iter().flat_map(|v| ["--version", v]));
    let said = shell::run(&argv).await.context("the product's packages could not be built")?;
    let mut paths = said.lines().map(PathBuf::from);
    let missing = "deploy/package did not say where the packages are";
    let (agent, coordinator) = (paths.next().context(missing)?, paths.next().context(missing)?);
    Ok(Product { agent, coordinator })
}

/// The folder of this build's programs: tests are one below.
pub fn programs(exe: &Path) -> anyhow::Result<PathBuf> {
    let mut dirs = exe.ancestors().skip(1);
    let found = dirs.find(|d| d.join("podlift-agent").is_file() && d.join("podlift-coordinator").is_file());
    found.map(Path::to_path_buf).with_context(|| {
        format!(
            "podlift-agent and podlift-coordinator are not beside {}: run `cargo build --workspace --bins` in the same profile",
            exe.display()
        )
    })
}
