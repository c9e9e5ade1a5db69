//! Programs that may change packages or restart services without podlift: unattended-upgrades if apt's configuration allows it, and
//! needrestart.

use super::{Site, why};
use crate::{apt_config, systemctl};
use podlift_model::survey::Automation;
use std::path::Path;

const UPGRADER: &str = "/usr/bin/unattended-upgrade";
const UNITS: [&str; 3] =
    ["apt-daily-upgrade.timer", "apt-daily-upgrade.service", "unattended-upgrades.service"];
const NEEDRESTART: &str = "/usr/sbin/needrestart";
const MAIN: &str = "/etc/needrestart/needrestart.conf";
const PARTS: &str = "/etc/needrestart/conf.d";

pub async fn look(site: &Site<'_>) -> Result<Automation, String> {
    Ok(Automation { unattended_upgrades: unattended(site).await?, needrestart: needrestart(site)? })
}

async fn unattended(site: &Site<'_>) -> Result<bool, String> {
    if !site.there(UPGRADER) || !apt_config::upgrades_by_itself(&site.host).await.map_err(why)? {
        return Ok(false);
    }
    systemctl::any_active(&site.host, &UNITS).await.map_err(why)
}

/// needrestart's restart mode; `None` if it is not installed.
fn needrestart(site: &Site<'_>) -> Result<Option<String>, String> {
    if !site.there(NEEDRESTART) {
        return Ok(None);
    }
    let parts =
        site.names(PARTS)?.into_iter().filter(|n| n.ends_with(".conf")).map(|n| format!("{PARTS}/{n}"));
    let mut mode = 'i';
    for file in [MAIN.to_string()].into_iter().chain(parts) {
        let text = site.text(Path::new(&file))?.unwrap_or_default();
        mode = text.lines().filter_map(restart_mode).next_back().unwrap_or(mode);
    }
    Ok(Some(mode.to_string()))
}

/// The mode in a line such as `$nrconf{restart} = 'a';`, which is Perl.
fn restart_mode(line: &str) -> Option<char> {
    let rest = line.trim().strip_prefix("$nrconf{")?.trim_start();
    let (key, value) = rest.split_once('}')?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let restart = key.trim().trim_matches(['\'', '"']) == "restart";
    value.strip_prefix(['\'', '"'])?.chars().next().filter(|_| restart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_of_a_line() {
        let cases = [
            ("$nrconf{restart} = 'a';", Some('a')),
            ("  $nrconf{'restart'}=\"l\";", Some('l')),
            ("#$nrconf{restart} = 'i';", None),
            ("$nrconf{ui} = 'a';", None),
            ("$nrconf{restart} = shift;", None),
        ];
        for (line, want) in cases {
            assert_eq!(restart_mode(line), want, "{line}");
        }
    }
}
