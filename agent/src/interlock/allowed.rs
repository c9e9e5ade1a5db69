//! Units whose processes may have devices open while the node is changed: they serve the devices, and no job depends on their state. Pods
//! need no entry here: those of DaemonSets and static pods stay on a drained node, whatever they hold.

use serde::Deserialize;
use std::str::FromStr;

/// Services that NVIDIA's and the fabric's packages install, and exporters that read counters. A unit that is missing here belongs into
/// `[interlock] allow` of agent.toml.
const ALLOWED: [&str; 13] = [
    "nvidia-persistenced",
    // nv-hostengine runs in one of these, by the version of DCGM and by who packaged it.
    "nv-hostengine",
    "nvidia-dcgm",
    "dcgm",
    "cuda-dcgm",
    "nvidia-fabricmanager",
    "nvidia-imex",
    "dcgm-exporter",
    "nvidia-dcgm-exporter",
    "node-exporter",
    "prometheus-node-exporter",
    // Of the InfiniBand packages: they keep verbs and management devices open as long as they run.
    "ibacm",
    "opensm",
];

/// A service by its name, or the beginning of names if it ends in `*`: `nvsm*`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AllowedUnit {
    name: String,
    /// Whether `name` is only the beginning.
    more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "interlock.allow = {0:?} is not valid: expected the name of a systemd service as `systemctl` shows it, for example \"nvsm.service\", or the beginning of names, for example \"nvsm*\""
)]
pub struct InvalidUnit(String);

impl FromStr for AllowedUnit {
    type Err = InvalidUnit;
    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let (name, more) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let name = name.strip_suffix(".service").unwrap_or(name);
        let valid = |c: char| c.is_ascii_alphanumeric() || "-_.@:\\".contains(c);
        match !name.is_empty() && name.chars().all(valid) {
            true => Ok(Self { name: name.into(), more }),
            false => Err(InvalidUnit(text.into())),
        }
    }
}

impl TryFrom<String> for AllowedUnit {
    type Error = InvalidUnit;
    fn try_from(text: String) -> Result<Self, InvalidUnit> {
        text.parse()
    }
}

impl AllowedUnit {
    fn covers(&self, name: &str) -> bool {
        if self.more { name.starts_with(&self.name) } else { name == self.name }
    }
}

/// Whether processes of this unit may hold devices. Instances of a template count as their template.
pub fn is_allowed(unit: &str, more: &[AllowedUnit]) -> bool {
    let Some(name) = unit.strip_suffix(".service") else { return false };
    let template = name.split_once('@').map_or(name, |(template, _)| template);
    ALLOWED.contains(&template) || more.iter().any(|allowed| allowed.covers(name) || allowed.covers(template))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_the_table_and_of_the_configuration_are_allowed() {
        let more: Vec<AllowedUnit> =
            ["nvsm*", "site-monitor.service"].iter().map(|t| t.parse().unwrap()).collect();
        for unit in [
            "nvidia-persistenced.service",
            "nvidia-dcgm.service",
            "nvidia-fabricmanager.service",
            "nvidia-imex.service",
            "dcgm-exporter.service",
            "prometheus-node-exporter.service",
            "dcgm@1.service",
            "nvsm-core.service",
            "nvsm.service",
            "site-monitor.service",
        ] {
            assert!(is_allowed(unit, &more), "{unit}");
        }
        for unit in [
            "slurmd.service",
            "slurmstepd.scope",
            "session-3.scope",
            "user@1000.service",
            // Only a service counts: any user can name a scope.
            "nvidia-persistenced.scope",
            "nvidia-persistenced",
            "my-nvidia-dcgm.service",
            "site-monitor2.service",
        ] {
            assert!(!is_allowed(unit, &more), "{unit}");
        }
    }

    /// The whole table, so that a missing entry is seen here and not on a node whose daemon stops an upgrade.
    #[test]
    fn each_service_of_the_table_is_allowed_with_its_instances_and_as_a_service_only() {
        let table = [
            "nvidia-persistenced",
            "nv-hostengine",
            "nvidia-dcgm",
            "dcgm",
            "cuda-dcgm",
            "nvidia-fabricmanager",
            "nvidia-imex",
            "dcgm-exporter",
            "nvidia-dcgm-exporter",
            "node-exporter",
            "prometheus-node-exporter",
            "ibacm",
            "opensm",
        ];
        for name in table {
            for unit in [format!("{name}.service"), format!("{name}@mlx5_0.service")] {
                assert!(is_allowed(&unit, &[]), "{unit}");
            }
            for unit in [format!("{name}.scope"), format!("{name}2.service"), format!("x-{name}.service")] {
                assert!(!is_allowed(&unit, &[]), "{unit}");
            }
        }
        assert_eq!(ALLOWED, table);
    }

    #[test]
    fn what_is_no_name_of_a_service_is_refused() {
        for text in ["", "*", ".service", "a b", "gpu/*", "x*y"] {
            let error = text.parse::<AllowedUnit>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("interlock.allow = {text:?} is not valid")), "{error}");
        }
    }
}
