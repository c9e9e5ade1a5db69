//! `dpkg-query`: installed packages and holds. It reads dpkg's own state: `apt-mark showhold` does not see what an interrupted dpkg has
//! written to its journal, and lists holds that no longer exist.

use super::run;
use podlift_host::{Host, Invocation};
use podlift_model::op::Package;
use podlift_model::{Failure, PackageVersion};
use std::collections::BTreeMap;

/// One package of the Kubernetes repository in dpkg's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub held: bool,
    version: PackageVersion,
    /// It is unpacked and configured.
    whole: bool,
}

impl Known {
    /// The version; `None` if the package is half unpacked or half configured.
    pub fn whole(&self) -> Option<PackageVersion> {
        self.whole.then(|| self.version.clone())
    }
}

/// The known packages. A package that was never installed is left out; dpkg-query's exit code 1 for it is no error.
pub async fn known(host: &Host) -> Result<BTreeMap<Package, Known>, Failure> {
    let names = Package::ALL.iter().map(Package::name);
    let args = ["-W", "-f=${Package}\\t${Version}\\t${Status}\\n"].into_iter().chain(names);
    let output = run(host, &Invocation::new("dpkg-query", args)).await?;
    Ok(parse(&output.stdout))
}

/// Reads lines `PACKAGE VERSION WANT FLAG STATUS`.
fn parse(text: &str) -> BTreeMap<Package, Known> {
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (name, version, status) = (fields.next()?, fields.next()?, fields.next()?.trim());
        let known = Known {
            held: status.starts_with("hold "),
            version: version.trim().parse().ok()?,
            whole: status.ends_with(" ok installed"),
        };
        Some((name.parse().ok()?, known))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_packages_and_holds() {
        let text = "kubeadm\t1.32.9-1.1\thold ok installed\nkubelet\t1.32.9-1.1\tinstall ok unpacked\n\
                    kubectl\t1.31.9-1.1\tinstall ok installed\nbash\t5.2-1\tinstall ok installed\n\
                    cri-tools\t1.31.14-1.1\thold reinstreq half-installed\nkubernetes-cni\t\tunknown ok not-installed\n";
        let found = parse(text);
        let shown: Vec<String> = found
            .iter()
            .map(|(p, k)| format!("{p} {} {}", k.whole().map_or("-".into(), |v| v.to_string()), k.held))
            .collect();
        assert_eq!(
            shown,
            ["kubeadm 1.32.9-1.1 true", "kubelet - false", "kubectl 1.31.9-1.1 false", "cri-tools - true"]
        );
    }
}
