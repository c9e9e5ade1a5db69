//! `dpkg-query`: what is installed.

use super::run;
use crate::host::{Host, Invocation};
use podlift_model::op::Package;
use podlift_model::{Failure, PackageVersion};
use std::collections::BTreeMap;

/// Installed packages of the Kubernetes repository. A package that was never installed is left out; dpkg-query's exit code 1 for it is fine.
pub async fn installed(host: &Host) -> Result<BTreeMap<Package, PackageVersion>, Failure> {
    let names = Package::ALL.iter().map(Package::name);
    let args = ["-W", "-f=${Package}\\t${Version}\\t${Status}\\n"].into_iter().chain(names);
    let output = run(host, &Invocation::new("dpkg-query", args)).await?;
    Ok(parse(&output.stdout))
}

/// A package that is only unpacked or half configured does not count.
fn parse(text: &str) -> BTreeMap<Package, PackageVersion> {
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (name, version, status) =
            (fields.next()?, fields.next()?, fields.next().unwrap_or("ok installed"));
        let whole = status.trim().ends_with("ok installed");
        Some((name.parse().ok()?, version.trim().parse().ok()?)).filter(|_| whole)
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_packages_only() {
        let text = "kubeadm\t1.32.9-1.1\thold ok installed\nkubelet\t1.32.9-1.1\tinstall ok unpacked\nkubectl\t1.31.9-1.1\tinstall ok installed\nbash\t5.2-1\tinstall ok installed\n";
        let found = parse(text);
        assert_eq!(found.keys().map(Package::name).collect::<Vec<_>>(), ["kubeadm", "kubectl"]);
        assert_eq!(found[&Package::Kubeadm].to_string(), "1.32.9-1.1");
    }
}
