//! The flags with which systemd will start the kubelet next time, from unit, drop-ins and environment files; and for each flag its file.

use super::super::Site;
use super::environment;
use super::unit::Unit;
use super::words::{Sourced, Variable, expand};
use podlift_host::FileKind;
use podlift_model::FlagSet;
use podlift_model::command::CommandLine;
use std::collections::BTreeMap;
use std::path::Path;

/// Folders of unit files, in order of precedence.
const FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
];
/// A separate folder only if `/lib` is not a link to `/usr/lib`.
const OLD: &str = "/lib/systemd/system";
const NAME: &str = "kubelet.service";
/// The environment that kubeadm's drop-in reads, if no unit is found.
const KUBEADMS: &str = "[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
EnvironmentFile=-/etc/sysconfig/kubelet
ExecStart=kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
";

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Started {
    pub flags: FlagSet,
    /// For each flag, the file of its value or of its last value.
    pub origins: BTreeMap<String, String>,
}

pub fn look(site: &Site<'_>) -> Result<Started, String> {
    let unit = unit(site)?;
    let variables = variables(site, &unit)?;
    let (line, origin) = unit.exec.ok_or_else(|| format!("{NAME} has no ExecStart="))?;
    let words = expand(&line, &origin, &variables);
    let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
    let read = CommandLine::read("kubelet", &texts).map_err(|opaque| format!("{origin}: {opaque}"))?;
    Ok(Started { flags: FlagSet::from(&read), origins: origins(&read, &words) })
}

fn origins(read: &CommandLine, words: &[Sourced]) -> BTreeMap<String, String> {
    read.flags.iter().map(|flag| (flag.name.clone(), words[flag.word].origin.clone())).collect()
}

fn unit(site: &Site<'_>) -> Result<Unit, String> {
    let folders = folders(site);
    let mut unit = Unit::default();
    let main = folders.iter().map(|dir| format!("{dir}/{NAME}")).find(|path| site.there(path));
    match main {
        Some(path) => unit.read(&path, &text(site, &path)?),
        None => unit.read("kubeadm's 10-kubeadm.conf", KUBEADMS),
    }
    for path in drop_ins(site, &folders)? {
        unit.read(&path, &text(site, &path)?);
    }
    Ok(unit)
}

fn folders(site: &Site<'_>) -> Vec<&'static str> {
    let own = site.files().stat(Path::new("/lib")).is_ok_and(|s| s.kind == FileKind::Directory);
    FOLDERS.into_iter().chain(own.then_some(OLD)).collect()
}

/// The drop-ins by name across all folders; of two with the same name, that of the first folder.
fn drop_ins(site: &Site<'_>, folders: &[&str]) -> Result<Vec<String>, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for dir in folders {
        let dir = format!("{dir}/{NAME}.d");
        for name in site.names(&dir)?.into_iter().filter(|n| n.ends_with(".conf")) {
            let path = format!("{dir}/{name}");
            all.entry(name).or_insert(path);
        }
    }
    Ok(all.into_values().collect())
}

fn text(site: &Site<'_>, path: &str) -> Result<String, String> {
    Ok(site.text(Path::new(path))?.unwrap_or_default())
}

/// Environment files come after `Environment=`, in order; the last value wins.
fn variables(site: &Site<'_>, unit: &Unit) -> Result<BTreeMap<String, Variable>, String> {
    let mut variables = unit.variables.clone();
    for file in &unit.files {
        let Some(text) = site.text(Path::new(&file.path))? else {
            if file.optional {
                continue;
            }
            return Err(format!("{} is not there, and the kubelet does not start without it", file.path));
        };
        let set = environment::read(&text).into_iter();
        variables.extend(set.map(|(name, value)| (name, Variable { value, origin: file.path.clone() })));
    }
    Ok(variables)
}
