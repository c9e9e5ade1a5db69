//! The output of `apt-get -s install` and `apt-get --print-uris install`. Pure.

use std::collections::BTreeMap;

/// New version of each package, and the removed packages, from `Inst kubeadm [1.31.14-1.1] (1.32.13-1.1 localhost [amd64])` and `Remv
/// kubeadm [1.31.14-1.1]`.
pub fn simulation(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut install, mut remove) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Inst"), Some(package)) => {
                let version = words.find_map(|w| w.strip_prefix('('));
                install.extend(version.map(|v| (package.to_string(), v.trim_end_matches(')').to_string())));
            }
            (Some("Remv" | "Purg"), Some(package)) => remove.push(package.to_string()),
            _ => {}
        }
    }
    (install, remove)
}

/// Bytes of all packages to download, from lines `'URI' FILE BYTES HASH`.
pub fn bytes(text: &str) -> u64 {
    let size = |line: &str| {
        let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
        rest.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    text.lines().filter_map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMULATED: &str = include_str!("../../../../tests/fixtures/apt/simulated.txt");
    const REMOVING: &str = include_str!("../../../../tests/fixtures/apt/simulated-removing.txt");
    const URIS: &str = include_str!("../../../../tests/fixtures/apt/print-uris.txt");

    #[test]
    fn versions_with_their_dependencies() {
        let (install, remove) = simulation(SIMULATED);
        let shown: Vec<String> = install.iter().map(|(p, v)| format!("{p}={v}")).collect();
        assert_eq!(
            shown,
            ["kubeadm=1.32.13-1.1", "kubectl=1.32.13-1.1", "kubelet=1.32.13-1.1", "kubernetes-cni=1.6.0-1.1"]
        );
        assert_eq!(remove, [""; 0]);
    }

    #[test]
    fn what_would_go() {
        let (install, remove) = simulation(REMOVING);
        assert_eq!((install.len(), remove.as_slice()), (1, ["old-tool".to_string()].as_slice()));
    }

    #[test]
    fn the_sum_of_what_is_fetched() {
        assert_eq!(bytes(URIS), 720 + 720 + 724 + 748);
        assert_eq!(bytes(SIMULATED), 0);
    }
}
