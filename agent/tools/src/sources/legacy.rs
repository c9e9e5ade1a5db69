//! Google's old repository of Kubernetes packages (`apt.kubernetes.io`, `packages.cloud.google.com/apt`, suites `kubernetes-…`), frozen in
//! September 2023 and gone since March 2024. Pure.

/// The line that replaces an entry of the old repository.
pub const LINE: &str = "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/vX.Y/deb/ /";

/// Whether an entry names the old repository. `packages.cloud.google.com/apt` also has Google's other packages, so only the suite
/// identifies it. A site's mirror has the same suite and another host.
pub fn names(address: &str, suites: &[&str]) -> bool {
    let host = address.split("://").nth(1).unwrap_or(address).split('/').next().unwrap_or_default();
    host == "apt.kubernetes.io" || suites.iter().any(|suite| suite.starts_with("kubernetes-"))
}

/// An entry in short: `apt.kubernetes.io kubernetes-xenial`.
pub fn what(entry: &str) -> String {
    format!(
        "it names {entry}, the repository of Kubernetes packages that is gone since March 2024; every `apt-get update` fails over it: take the entry out"
    )
}
