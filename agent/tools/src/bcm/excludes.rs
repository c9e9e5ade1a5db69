//! `excludelist get update|sync /`: the exclude lists in effect for a node, with what its category, roles and applications add.

use super::cmsh;
use super::{lines, odd, printed, short};
use podlift_host::Host;
use podlift_model::bcm::BcmExcludes;
use podlift_model::{Failure, NodeName};

pub async fn look(host: &Host, node: &NodeName) -> Result<BcmExcludes, Failure> {
    let update = list(host, node, "update").await?;
    Ok(BcmExcludes { node: node.clone(), update, sync: list(host, node, "sync").await? })
}

async fn list(host: &Host, node: &NodeName, mode: &str) -> Result<Vec<String>, Failure> {
    let script = format!("device use {node}; excludelist get {mode} /");
    parse(&printed(host, cmsh::script(&script)).await?).map_err(odd)
}

/// Reads `- /data/*`, `/data/*`, `no-new-files: - /proc/*`, and rules `+ …`. Comments and other lines are no patterns. A list without any
/// pattern is no list: every category has some.
fn parse(text: &str) -> Result<Vec<String>, String> {
    let patterns: Vec<String> = lines::of(text).filter_map(pattern).collect();
    match patterns.is_empty() {
        true => Err(format!("it printed no exclude list: {}", short(text))),
        false => Ok(patterns),
    }
}

fn pattern(line: &str) -> Option<String> {
    const NO_NEW: &str = "no-new-files:";
    let line = line.trim();
    let line = line.strip_prefix(NO_NEW).unwrap_or(line).trim();
    match line.strip_prefix("+ ") {
        Some(_) => Some(line.to_string()),
        None => {
            let path = line.strip_prefix("- ").map(str::trim);
            let path = path.or_else(|| line.starts_with('/').then_some(line))?;
            Some(path.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    const UPDATE: &str = "# of the category\n- /data/*\n- /etc/kubernetes/*\nno-new-files: - /proc/*\nno-new-files:\n- /var/lib/sss\n+ /etc/hosts\n/var/lib/kubelet\n\n";

    #[tokio::test]
    async fn two_fixed_commands() {
        let fakes = Fakes::new(|call| match call.args.last().unwrap().contains("update") {
            true => said(UPDATE),
            false => said("- /etc/kubernetes/*\n"),
        });
        let excludes = look(&fakes.host, &"dgx030".parse().unwrap()).await.unwrap();
        let want =
            ["/data/*", "/etc/kubernetes/*", "/proc/*", "/var/lib/sss", "+ /etc/hosts", "/var/lib/kubelet"];
        assert_eq!(excludes.update, want);
        assert_eq!(excludes.open("/var/lib/kubelet"), ["sync"]);
        let start = "cmsh -n -q --hide-events --color no -c device use dgx030; excludelist get";
        assert_eq!(fakes.commands.calls(), [format!("{start} update /"), format!("{start} sync /")]);
    }

    #[test]
    fn an_error_is_no_empty_list() {
        for text in ["", "No device with the name dgx099\n", "# nothing\n"] {
            assert!(parse(text).unwrap_err().contains("no exclude list"), "{text}");
        }
    }
}
