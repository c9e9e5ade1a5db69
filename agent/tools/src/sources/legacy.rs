//! Google's old repository of Kubernetes packages (`apt.kubernetes.io`, `packages.cloud.google.com/apt`, suites `kubernetes-…`), frozen in
//! September 2023 and gone since March 2024. Pure.

/// What to write in its place.
pub const LINE: &str = "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/vX.Y/deb/ /";

/// Google's other packages are in `packages.cloud.google.com/apt` too; only the suite tells them apart. A site's copy has the suite and
/// another host.
pub fn names(address: &str, suites: &[&str]) -> bool {
    let host = address.split("://").nth(1).unwrap_or(address).split('/').next().unwrap_or_default();
    host == "apt.kubernetes.io" || suites.iter().any(|suite| suite.starts_with("kubernetes-"))
}

/// Of an entry: `apt.kubernetes.io kubernetes-xenial`.
pub fn what(entry: &str) -> String {
    format!(
        "it names {entry}, the repository of Kubernetes packages that is gone since March 2024; every `apt-get update` fails over it: take the entry out"
    )
}
