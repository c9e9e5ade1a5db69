//! Software images as folders. The first ones lie on the machines' own layers and have what a grab of a machine brings; a clone is a copy of
//! its own.

use super::excluded::Lists;
use super::{IMAGES, Imaged, planted, rsync};
use crate::dpkg::Log;
use crate::layer::Layer;
use crate::machine::Machine;
use crate::scratch::Scratch;
use crate::shell;
use anyhow::{Context as _, ensure};
use podlift_lab::World;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that the head node has as /cm/images.
#[derive(Debug, Clone)]
pub struct Images {
    dir: PathBuf,
}

impl Images {
    /// One for each kind of machine that has an image.
    pub async fn make(scratch: &Scratch, below: &[PathBuf], imaged: &[Imaged]) -> anyhow::Result<Self> {
        let this = Self { dir: scratch.make_dir("images")? };
        for of in imaged {
            let layer = Layer::mount(scratch.at(&format!("layers/{}", of.image)), below.to_vec()).await?;
            let (from, to) = (layer.root().display().to_string(), this.root(of.image));
            std::fs::create_dir_all(&to)?;
            shell::run(&["mount", "--bind", &from, &to.display().to_string()]).await?;
        }
        Ok(this)
    }

    /// nspawn's word for it.
    pub fn bind(&self) -> String {
        format!("--bind={}:{IMAGES}", self.dir.display())
    }

    pub fn root(&self, image: &str) -> PathBuf {
        self.dir.join(image)
    }

    /// An image gets what the machine has and no list excludes. The machine is not booted yet.
    pub fn grab(&self, world: &World, machine: &Machine, image: &str) -> anyhow::Result<()> {
        let root = self.root(image);
        rsync::grab(&machine.root(), &root, &Lists::of(world, &machine.name, "grab"))?;
        planted::in_image(&root)?;
        // A file of one machine; empty, systemd makes another one.
        std::fs::write(root.join("etc/machine-id"), "").context("the machine id of an image")
    }

    /// What CMDaemon does at the commit of a clone.
    pub fn copy(&self, from: &str, image: &str) -> anyhow::Result<()> {
        let (from, to) = (self.root(from), self.root(image));
        ensure!(!to.exists(), "{} is there already", to.display());
        let copied = Command::new("cp").arg("-a").arg(&from).arg(&to).output()?;
        let said = String::from_utf8_lossy(&copied.stderr);
        ensure!(copied.status.success(), "{} could not be copied: {said}", from.display());
        Ok(())
    }

    /// dpkg's log of an image.
    pub fn log(&self, image: &str) -> Log {
        Log::at(&self.root(image))
    }

    /// Names of all that are there.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A field of a package in a tree, as dpkg-query of this machine reads it.
pub fn package(root: &Path, name: &str, format: &str) -> anyhow::Result<String> {
    let database = format!("--admindir={}", root.join("var/lib/dpkg").display());
    let mut query = Command::new("dpkg-query");
    let out = query.args([&database, "-W", &format!("-f={format}"), name]).output()?;
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_string())
}
