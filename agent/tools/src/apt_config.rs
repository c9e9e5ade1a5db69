//! `apt-config dump`: apt's own reading of its configuration files.

use super::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;

/// apt's whole configuration without hooks, as a file for `APT_CONFIG`. Hooks of an update write stamps, fill databases and empty the
/// package cache, whatever folders apt itself was given. Proxies and other settings stay.
pub async fn without_hooks(host: &Host) -> Result<String, Failure> {
    Ok(bare(&must(host, &Invocation::new("apt-config", ["dump"])).await?))
}

fn bare(dump: &str) -> String {
    const OTHERS: [&str; 5] = ["-invoke", "hooks", "pre-install-pkgs", "dir::etc::main", "dir::etc::parts"];
    let stays = |line: &&str| {
        let key = line.split(' ').next().unwrap_or_default().to_lowercase();
        !OTHERS.iter().any(|other| key.contains(other))
    };
    // apt must not read its own files again, because they would bring the hooks back.
    let end = ["Dir::Etc::main \"/dev/null\";", "Dir::Etc::parts \"/dev/null\";", ""];
    dump.lines().filter(stays).chain(end).collect::<Vec<_>>().join("\n")
}

/// Whether apt's daily timer may upgrade packages without podlift.
pub async fn upgrades_by_itself(host: &Host) -> Result<bool, Failure> {
    Ok(allows(&must(host, &Invocation::new("apt-config", ["dump", "APT::Periodic"])).await?))
}

/// Reads `APT::Periodic::Unattended-Upgrade "1";`. A false Enable disables everything; an interval of 0 means never.
fn allows(text: &str) -> bool {
    let value = |name: &str| {
        let line = |l: &str| {
            let (key, value) = l.trim().trim_end_matches(';').split_once(' ')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_string())
        };
        text.lines().filter_map(line).next_back()
    };
    let off = |v: &String| matches!(v.as_str(), "" | "0" | "false" | "no");
    value("APT::Periodic::Unattended-Upgrade").is_some_and(|v| !off(&v))
        && !value("APT::Periodic::Enable").is_some_and(|v| off(&v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_runs_besides_apt() {
        let dump = "APT::Update::Post-Invoke-Success \"\";\nAPT::Update::Post-Invoke-Success:: \"touch /var/lib/apt/periodic/update-success-stamp\";\nDPkg::Pre-Install-Pkgs:: \"x\";\nbinary::apt::AptCli::Hooks::Upgrade:: \"x\";\nDir::Etc::parts \"apt.conf.d\";\nAcquire::http::Proxy \"http://proxy:3128\";\n";
        assert_eq!(
            bare(dump),
            "Acquire::http::Proxy \"http://proxy:3128\";\nDir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n"
        );
    }

    #[test]
    fn only_what_is_switched_on() {
        let on = "APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n";
        assert!(allows(on));
        assert!(allows(&on.replace("\"1\";\n", "\"1d\";\n")));
        assert!(!allows(&on.replace("Unattended-Upgrade \"1\"", "Unattended-Upgrade \"0\"")));
        assert!(!allows(&format!("{on}APT::Periodic::Enable \"0\";\n")));
        assert!(!allows("APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"1\";\n"));
    }
}
