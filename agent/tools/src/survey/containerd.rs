//! containerd: its version, whether CDI is on, and the runtimes of its configuration and of the files that this imports.

use super::{Site, whole};
use crate::containerd;
use podlift_model::codes;
use podlift_model::survey::Containerd;
use std::collections::BTreeSet;
use std::path::Path;
use toml::{Table, Value};

const CONFIG: &str = "/etc/containerd/config.toml";
const SOCKET: &str = "/run/containerd/containerd.sock";
const SPECIFICATIONS: [&str; 2] = ["/etc/cdi", "/run/cdi"];

/// `None` if containerd is not installed.
pub async fn look(site: &Site<'_>) -> Result<Option<Containerd>, String> {
    let version = match containerd::version(&site.host).await {
        Err(e) if e.code == codes::COMMAND_MISSING && !site.there(SOCKET) => return Ok(None),
        other => other.map_err(whole)?,
    };
    let tables = tables(site)?;
    let mut cdi = tables.iter().any(switches_cdi_on);
    for dir in SPECIFICATIONS {
        cdi |= site.names(dir)?.iter().any(|n| [".yaml", ".yml", ".json"].iter().any(|e| n.ends_with(e)));
    }
    let runtimes: BTreeSet<String> = tables.iter().flat_map(runtimes).collect();
    Ok(Some(Containerd { version, cdi, runtimes: runtimes.into_iter().collect() }))
}

/// The configuration, then its imports.
pub(super) fn tables(site: &Site<'_>) -> Result<Vec<Table>, String> {
    let Some(main) = table(site, CONFIG)? else { return Ok(Vec::new()) };
    let imports = main.get("imports").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = vec![main];
    for pattern in imports.iter().filter_map(Value::as_str) {
        for file in imported(site, pattern)? {
            all.extend(table(site, &file)?);
        }
    }
    Ok(all)
}

fn table(site: &Site<'_>, path: &str) -> Result<Option<Table>, String> {
    let Some(text) = site.text(Path::new(path))? else { return Ok(None) };
    let table = text.parse::<Table>().map_err(|e| format!("{path} is no TOML: {}", e.message()))?;
    Ok(Some(table))
}

/// The files of an import such as `/etc/containerd/conf.d/*.toml` or `extra.toml`; a star matches within a name, as in containerd.
fn imported(site: &Site<'_>, pattern: &str) -> Result<Vec<String>, String> {
    let whole = if pattern.starts_with('/') { pattern.into() } else { format!("/etc/containerd/{pattern}") };
    let (dir, name) = whole.rsplit_once('/').unwrap_or(("/", &whole));
    let Some((start, end)) = name.split_once('*') else { return Ok(vec![whole]) };
    let fits = |n: &String| n.starts_with(start) && n.ends_with(end) && n.len() >= start.len() + end.len();
    Ok(site.names(dir)?.into_iter().filter(fits).map(|n| format!("{dir}/{n}")).collect())
}

/// Whether any plugin has it on: the setting has moved from one plugin to another.
fn switches_cdi_on(table: &Table) -> bool {
    let plugins = table.get("plugins").and_then(Value::as_table);
    let on = |plugin: &Value| plugin.get("enable_cdi").and_then(Value::as_bool) == Some(true);
    plugins.is_some_and(|p| p.values().any(on))
}

fn runtimes(table: &Table) -> Vec<String> {
    let plugins = table.get("plugins").and_then(Value::as_table);
    let of = |plugin: &Value| {
        let runtimes = plugin.get("containerd")?.get("runtimes")?.as_table()?;
        Some(runtimes.keys().cloned().collect::<Vec<_>>())
    };
    plugins.into_iter().flat_map(Table::values).filter_map(of).flatten().collect()
}
