//! Settings of containerd that concern images: the sandbox image, and how a registry is reached. The running containerd reports its sandbox
//! image up to version 1; `containerd config dump` has all settings with defaults and imports; if it does not work, the files count.

use super::super::{Site, containerd, whole};
use crate::containerd::dump;
use crate::crictl::Info;
use crate::systemctl;
use std::path::Path;
use toml::{Table, Value};

/// The plugins that have the settings: of version 3, 2 and 1 of the configuration.
const IMAGES: [&str; 3] = ["io.containerd.cri.v1.images", "io.containerd.grpc.v1.cri", "cri"];

const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub sandbox: Option<String>,
    /// Folders of mirrors; a list with `:` between, of which the first that exists counts.
    pub config_path: Option<String>,
    /// Mirrors or credentials stand in the configuration itself, where only containerd uses them.
    pub own_registry: bool,
    pub proxy: Vec<(&'static str, String)>,
}

/// `info` is the report of the running containerd.
pub async fn look(site: &Site<'_>, info: &Info) -> Result<Settings, String> {
    let tables = match dump(&site.host).await {
        Ok(table) => vec![table],
        Err(failure) => {
            let tables = containerd::tables(site)?;
            if tables.is_empty() && info.sandbox.is_none() {
                return Err(whole(failure));
            }
            tables
        }
    };
    let mut settings = tables.iter().fold(Settings::default(), with);
    settings.sandbox = info.sandbox.clone().or(settings.sandbox);
    settings.proxy = proxy(site).await;
    Ok(settings)
}

/// A later file of the configuration overrides an earlier one.
fn with(before: Settings, table: &Table) -> Settings {
    let text =
        |path: &[&str]| at(table, path).and_then(Value::as_str).filter(|t| !t.is_empty()).map(String::from);
    let filled = |path: &[&str]| at(table, path).and_then(Value::as_table).is_some_and(|t| !t.is_empty());
    let sandbox = text(&["pinned_images", "sandbox"]).or_else(|| text(&["sandbox_image"]));
    Settings {
        sandbox: sandbox.or(before.sandbox),
        config_path: text(&["registry", "config_path"]).or(before.config_path),
        own_registry: before.own_registry || ["mirrors", "configs"].iter().any(|n| filled(&["registry", n])),
        proxy: before.proxy,
    }
}

/// The value at a path within the plugin for images.
fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let plugins = table.get("plugins")?.as_table()?;
    IMAGES.iter().find_map(|plugin| {
        let plugin = plugins.get(*plugin)?;
        path.iter().try_fold(plugin, |value, name| value.get(name))
    })
}

/// Variables of the running containerd that name a proxy; empty if the process can't be read.
async fn proxy(site: &Site<'_>) -> Vec<(&'static str, String)> {
    let Ok(Some(pid)) = systemctl::main_pid(&site.host, "containerd.service").await else {
        return Vec::new();
    };
    let environ = site.text(Path::new(&format!("/proc/{pid}/environ"))).ok().flatten().unwrap_or_default();
    let named = |entry: &str| {
        let (name, value) = entry.split_once('=')?;
        Some((*PROXIES.iter().find(|known| **known == name)?, value.to_string()))
    };
    environ.split('\0').filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        with(Settings::default(), &text.parse().unwrap())
    }

    #[test]
    fn the_sandbox_image_in_all_versions_of_the_configuration() {
        let v1 = "[plugins.cri]\nsandbox_image = \"r/pause:3.1\"\n";
        let v2 = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"r/pause:3.8\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n";
        let v3 = "version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = 'r/pause:3.10'\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = ''\n";
        let of = |text: &str| read(text).sandbox;
        assert_eq!(of(v1).as_deref(), Some("r/pause:3.1"));
        assert_eq!(of(v2).as_deref(), Some("r/pause:3.8"));
        assert_eq!(of(v3).as_deref(), Some("r/pause:3.10"));
        assert_eq!(of("version = 2\n"), None);
        assert_eq!(read(v2).config_path.as_deref(), Some("/etc/containerd/certs.d"));
        assert_eq!(read(v3).config_path, None);
        let both = [v2, "[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"own/pause:3.9\"\n"];
        let both = both.iter().map(|t| t.parse().unwrap()).collect::<Vec<Table>>();
        let both = both.iter().fold(Settings::default(), with);
        assert_eq!((both.sandbox.as_deref(), both.config_path.is_some()), (Some("own/pause:3.9"), true));
    }

    #[test]
    fn mirrors_and_credentials_that_only_containerd_uses() {
        let registry = "plugins.\"io.containerd.grpc.v1.cri\".registry";
        assert!(
            read(&format!("[{registry}.mirrors.\"docker.io\"]\nendpoint = [\"http://m\"]\n")).own_registry
        );
        assert!(read(&format!("[{registry}.configs.\"h\".auth]\nusername = \"u\"\n")).own_registry);
        assert!(!read(&format!("[{registry}.mirrors]\n[{registry}.configs]\n")).own_registry);
    }
}
