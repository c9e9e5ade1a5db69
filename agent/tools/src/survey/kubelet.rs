//! The kubelet's configuration file, and the flags of its two environment files.

use super::Site;
use podlift_host::paths;
use podlift_model::FlagSet;
use podlift_model::survey::{KubeletSettings, Seen};
use std::path::Path;

const KUBEADM_FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";
const DEFAULTS: &str = "/etc/default/kubelet";

pub fn look(site: &Site<'_>) -> Seen<KubeletSettings> {
    let path = paths::KUBELET_CONFIG;
    let text = site.text(Path::new(path))?.ok_or_else(|| format!("{path} is not there"))?;
    let config = serde_saphyr::from_str(&text).map_err(|e| {
        let first = e.to_string().lines().next().unwrap_or_default().to_string();
        format!("{path} is no YAML: {first}")
    })?;
    let mut words = Vec::new();
    for (file, name) in [(KUBEADM_FLAGS, "KUBELET_KUBEADM_ARGS"), (DEFAULTS, "KUBELET_EXTRA_ARGS")] {
        words.extend(arguments(&site.text(Path::new(file))?.unwrap_or_default(), name));
    }
    Ok(KubeletSettings {
        origins: std::collections::BTreeMap::new(),
        running: None,
        config,
        flags: FlagSet::parse(words.iter().map(String::as_str)),
    })
}

/// Words of `NAME="--a=b --c d"`; a value that stands by itself is put to its flag. The last line of a name counts, as in systemd.
fn arguments(text: &str, name: &str) -> Vec<String> {
    let value = |line: &str| {
        let (key, value) = line.trim().split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches(['"', '\'']).to_string())
    };
    let value = text.lines().filter_map(value).next_back().unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for word in value.split_whitespace() {
        match words.last_mut().filter(|flag| !word.starts_with('-') && !flag.contains('=')) {
            Some(flag) => *flag = format!("{flag}={word}"),
            None => words.push(word.into()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_an_environment_file() {
        let text = "# KUBELET_EXTRA_ARGS=--no\nKUBELET_EXTRA_ARGS=--old=1\nKUBELET_EXTRA_ARGS=\"--node-ip 10.77.0.30 --v=2 --bare --feature-gates=A=true,B=false\"\nOTHER=--x\n";
        assert_eq!(
            arguments(text, "KUBELET_EXTRA_ARGS"),
            ["--node-ip=10.77.0.30", "--v=2", "--bare", "--feature-gates=A=true,B=false"]
        );
        assert_eq!(arguments("KUBELET_EXTRA_ARGS=\n", "KUBELET_EXTRA_ARGS"), [""; 0]);
    }
}
