//! The configuration of an etcd on this node: the usual places, and the files that its unit names.

use super::place::Place;
use crate::node::Node;
use std::path::Path;

const UNITS: [&str; 3] = [
    "/etc/systemd/system/etcd.service",
    "/usr/lib/systemd/system/etcd.service",
    "/lib/systemd/system/etcd.service",
];
const ENDINGS: &[&str] = &[".conf", ".yml", ".yaml", ".env", ".crt", ".key", ".pem"];

pub fn configuration(node: &Node) -> Vec<Place> {
    let mut all = vec![
        Place::file("/etc/default/etcd", false),
        Place::file("/etc/etcd.conf", false),
        Place::folder("/etc/etcd", 2, ENDINGS, false),
    ];
    let texts = UNITS.iter().filter_map(|unit| node.host.files.read(Path::new(unit)).ok());
    let named = texts.flat_map(|bytes| named(&String::from_utf8_lossy(&bytes)));
    all.extend(named.map(|path| Place::file(path, false)));
    all
}

/// Files in lines such as `EnvironmentFile=-/etc/default/etcd` or `--config-file /etc/etcd.yml`.
fn named(unit: &str) -> Vec<String> {
    let environment = unit.lines().filter_map(|l| l.trim().strip_prefix("EnvironmentFile="));
    let words: Vec<&str> = unit.split_whitespace().collect();
    let next = words.windows(2).filter(|w| w[0] == "--config-file").map(|w| w[1]);
    let joined = words.iter().filter_map(|w| w.strip_prefix("--config-file="));
    let all = environment.map(|path| path.trim_start_matches('-')).chain(next).chain(joined);
    let allowed =
        |path: &&str| ["/etc/", "/cm/"].iter().any(|root| path.starts_with(root)) && !path.contains("..");
    all.map(|path| path.trim_matches('"')).filter(allowed).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_a_unit_names() {
        let unit = "[Service]\nEnvironmentFile=-/cm/local/apps/etcd/etcd.env\nExecStart=/usr/bin/etcd --name a \\\n  --config-file=/etc/etcd.yml --data-dir /var/lib/etcd\nEnvironmentFile=/root/secret\nExecStartPre=x --config-file /etc/../shadow\n";
        assert_eq!(named(unit), ["/cm/local/apps/etcd/etcd.env", "/etc/etcd.yml"]);
    }
}
