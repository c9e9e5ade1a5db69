//! The kubelet's effective configuration, the flags of its next start, and the flags of the running process.

pub mod drift;
mod environment;
mod running;
mod start;
mod unit;
mod words;

use super::Site;
use crate::yaml;
use podlift_host::paths;
use podlift_model::FlagSet;
use podlift_model::survey::{KubeletSettings, Seen};
use serde_json::Value;
use start::Started;
use std::path::Path;

/// The settings, and why the flags are unknown, if they are: the configuration alone is still useful.
pub async fn look(site: &Site<'_>) -> (Seen<KubeletSettings>, Option<String>) {
    let running = running::look(site).await;
    let (started, why) = match start::look(site) {
        Ok(started) => (started, None),
        Err(why) => (Started::default(), Some(why)),
    };
    // If the files don't show the flags, those of the process count.
    let counts = match &running {
        Ok(flags) if why.is_some() => flags,
        _ => &started.flags,
    };
    let config = config(site, counts);
    let Started { flags, origins } = started;
    (config.map(|config| KubeletSettings { config, flags, origins, running: Some(running) }), why)
}

/// The file of `--config`, overlaid with those of `--config-dir` and with the flag that also has a configuration field: flags take
/// precedence.
fn config(site: &Site<'_>, flags: &FlagSet) -> Result<Value, String> {
    let path = flags.joined("config").filter(|p| !p.is_empty());
    let mut config = file(site, path.as_deref().unwrap_or(paths::KUBELET_CONFIG))?;
    if let Some(dir) = flags.joined("config-dir").filter(|d| !d.is_empty()) {
        for name in site.names(&dir)?.into_iter().filter(|n| n.ends_with(".conf")) {
            overlay(&mut config, file(site, &format!("{dir}/{name}"))?);
        }
    }
    if let (Some(path), Some(fields)) = (flags.joined("pod-manifest-path"), config.as_object_mut()) {
        fields.insert("staticPodPath".into(), path.into());
    }
    Ok(config)
}

fn file(site: &Site<'_>, path: &str) -> Result<Value, String> {
    let text = site.text(Path::new(path))?.ok_or_else(|| format!("{path} is not there"))?;
    yaml::value(&text).map_err(|why| format!("{path} is no YAML: {why}"))
}

/// The later file's fields win; nested fields are merged one by one.
fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests;
