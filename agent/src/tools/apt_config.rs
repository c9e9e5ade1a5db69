//! `apt-config dump`: apt's own reading of its configuration files.

use super::must;
use crate::host::{Host, Invocation};
use podlift_model::Failure;

/// Whether apt's daily work may upgrade packages by itself.
pub async fn upgrades_by_itself(host: &Host) -> Result<bool, Failure> {
    Ok(allows(&must(host, &Invocation::new("apt-config", ["dump", "APT::Periodic"])).await?))
}

/// `APT::Periodic::Unattended-Upgrade "1";`. Enable says no to everything; an interval of 0 is never.
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
    fn only_what_is_switched_on() {
        let on = "APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n";
        assert!(allows(on));
        assert!(allows(&on.replace("\"1\";\n", "\"1d\";\n")));
        assert!(!allows(&on.replace("Unattended-Upgrade \"1\"", "Unattended-Upgrade \"0\"")));
        assert!(!allows(&format!("{on}APT::Periodic::Enable \"0\";\n")));
        assert!(!allows("APT::Periodic \"\";\nAPT::Periodic::Update-Package-Lists \"1\";\n"));
    }
}
