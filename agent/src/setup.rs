//! Reads agent.toml for a heal that starts despite errors in the rest of the file: each table is read separately, with defaults for one
//! that can't be read. It never makes a heal act that was configured not to: a mode that can't be read counts as "observe".

use crate::config::{Commands, Config, Heal, Metrics, Mode, Role, SHORTEST};
use crate::down::Down;
use podlift_common::config::{ConfigError, parse};
use podlift_common::telemetry;
use podlift_model::NodeName;
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::Table;

pub(crate) struct Setup {
    pub node: NodeName,
    pub heal: Heal,
    pub allow_other_filesystem: bool,
    pub commands: Commands,
    pub metrics: Metrics,
    pub telemetry: telemetry::Settings,
}

/// The whole configuration, or why session and executor can't run with it.
pub(crate) fn whole(text: &str, path: &Path) -> Result<Config, Down> {
    let config: Config = parse(text, path).map_err(|e: ConfigError| Down::new("config", e))?;
    config.check().map_err(|e| Down::new("config", e))?;
    Ok(config)
}

/// The settings with which the heal starts. `kubelet` is the node's name in its kubelet's certificate, for an agent.toml without a name.
pub(crate) fn setup(text: &str, path: &Path, kubelet: Option<&str>) -> Setup {
    if let Ok(config) = whole(text, path) {
        let (heal, allow_other_filesystem) = (config.own_heal(), config.may_be_apart());
        let Config { node, commands, metrics, telemetry, .. } = config;
        return Setup { node, heal, allow_other_filesystem, commands, metrics, telemetry };
    }
    let file: Option<Table> = toml::from_str(text).ok();
    let table = file.as_ref();
    let commands: Commands = part(table, "commands").unwrap_or_default();
    let relative = commands.path.iter().any(|path| !path.is_absolute());
    let head = part(table, "role") == Some(Role::Head);
    let heal = table.map_or(Heal { mode: Mode::Observe, ..Heal::default() }, heal);
    Setup {
        node: part(table, "node")
            .or_else(|| kubelet.and_then(|name| name.parse().ok()))
            .unwrap_or_else(nobody),
        heal: if head { Heal { mode: Mode::Off, ..heal } } else { heal },
        allow_other_filesystem: head || part(table, "allow_other_filesystem").unwrap_or_default(),
        commands: if relative { Commands::default() } else { commands },
        metrics: part(table, "metrics").unwrap_or_default(),
        telemetry: part(table, "telemetry").unwrap_or_default(),
    }
}

fn part<T: DeserializeOwned>(table: Option<&Table>, name: &str) -> Option<T> {
    table?.get(name)?.clone().try_into().ok()
}

fn heal(table: &Table) -> Heal {
    let Some(own) = table.get("heal") else { return Heal::default() };
    match own.clone().try_into::<Heal>() {
        Ok(heal) if works(&heal) => heal,
        _ => Heal { mode: mode(own), ..Heal::default() },
    }
}

fn works(heal: &Heal) -> bool {
    [heal.tick, heal.check].iter().all(|every| *every >= SHORTEST)
}

/// The mode in a table that can't be read as a whole.
fn mode(own: &toml::Value) -> Mode {
    match own.as_table().map(|own| own.get("mode")) {
        Some(None) => Heal::default().mode,
        Some(Some(mode)) => mode.clone().try_into().unwrap_or(Mode::Observe),
        None => Mode::Observe,
    }
}

fn nobody() -> NodeName {
    #[expect(clippy::unwrap_used, reason = "a constant that is valid")]
    NodeName::new("unknown").unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const HEAD: &str = "node = \"dgx030\"\ncluster = \"c\"\ncoordinator = \"10.0.0.1:7443\"\n";

    #[test]
    fn what_is_wrong_elsewhere_does_not_touch_the_heal() {
        let usual = Heal::default();
        let cases = [
            (
                "speed = 1\n[heal]\ntick = \"5s\"\nmode = \"observe\"\n",
                "unknown field `speed`",
                Mode::Observe,
                5,
            ),
            ("[ops]\npoll = \"0s\"\n[heal]\ntick = \"5s\"\n", "ops.poll", Mode::Enforce, 5),
            ("[heal]\nmodus = 1\nmode = \"off\"\n", "unknown field `modus`", Mode::Off, 2),
            ("[heal]\nmodus = 1\n", "unknown field `modus`", Mode::Enforce, 2),
            ("[heal]\nmode = \"enforced\"\n", "unknown variant", Mode::Observe, 2),
            ("[heal]\ntick = \"0s\"\nmode = \"observe\"\n", "heal.tick", Mode::Observe, 2),
            ("[session]\nheartbeat = 5\n", "heartbeat", Mode::Enforce, 2),
            ("node = [\n", "agent.toml", Mode::Observe, 2),
            ("role = \"head\"\n[session]\nheartbeat = 5\n", "heartbeat", Mode::Off, 2),
        ];
        for (rest, want, mode, tick) in cases {
            let text = format!("{HEAD}{rest}");
            let path = Path::new("/etc/podlift/agent.toml");
            let down = whole(&text, path).unwrap_err();
            assert!(down.message.contains(want) && down.why == "config", "{rest}: {down}");
            let setup = setup(&text, path, Some("w1"));
            assert_eq!((setup.heal.mode, setup.heal.tick), (mode, Duration::from_secs(tick)), "{rest}");
            assert_eq!(setup.heal.site_gates, usual.site_gates);
            let name = if rest.starts_with("node") { "w1" } else { "dgx030" };
            assert_eq!(setup.node.as_str(), name, "{rest}");
        }
        assert_eq!(setup("= ", Path::new("x"), None).node.as_str(), "unknown");
        let head = setup(&format!("{HEAD}role = \"head\"\n"), Path::new("x"), None);
        assert_eq!((head.heal.mode, head.allow_other_filesystem), (Mode::Off, true), "it has no manifests");
    }
}
