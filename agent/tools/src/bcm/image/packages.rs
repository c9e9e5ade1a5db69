//! dpkg's database of an image. dpkg-query reads it without running a program of the image, so it works for every architecture.

use crate::run;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use podlift_model::bcm::ImagePackage;
use podlift_model::op::Package;
use std::collections::BTreeMap;

const FORMAT: &str = "-f=${Package}\\t${Version}\\t${Status}\\t${Architecture}\\n";

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// The Kubernetes packages that dpkg knows.
    pub known: BTreeMap<String, ImagePackage>,
    /// Of the package dpkg itself; `None` if the image has no dpkg.
    pub arch: Option<String>,
}

pub async fn look(host: &Host, path: &str) -> Result<Packages, Failure> {
    let fixed = [format!("--admindir={path}/var/lib/dpkg"), "-W".into(), FORMAT.into()];
    let names = Package::ALL.iter().map(Package::name).chain(["dpkg"]).map(String::from);
    // Exit code 1 says that a package is not known.
    let output = run(host, &Invocation::new("dpkg-query", fixed.into_iter().chain(names))).await?;
    Ok(parse(&output.stdout))
}

fn parse(text: &str) -> Packages {
    let mut found = Packages::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [name, version, status, arch] = fields.as_slice() else { continue };
        if *name == "dpkg" {
            found.arch = Some((*arch).to_string()).filter(|a| !a.is_empty());
        } else if name.parse::<Package>().is_ok() && !status.ends_with(" not-installed") {
            let whole = status.ends_with(" ok installed");
            let version = version.parse().ok().filter(|_| whole);
            found
                .known
                .insert((*name).to_string(), ImagePackage { version, held: status.starts_with("hold ") });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn one_call_for_packages_and_architecture() {
        let text = "kubeadm\t1.31.9-1.1\thold ok installed\tamd64\nkubelet\t1.32.9-1.1\tinstall ok half-configured\tamd64\nkubectl\t\tunknown ok not-installed\t\ndpkg\t1.22.6\tinstall ok installed\tarm64\nbash\t5.2\tinstall ok installed\tamd64\n";
        let fakes = Fakes::new(move |_| said(text));
        let found = look(&fakes.host, "/cm/images/x").await.unwrap();
        let shown: Vec<_> =
            found.known.iter().map(|(n, p)| (n.as_str(), p.version.is_some(), p.held)).collect();
        assert_eq!(shown, [("kubeadm", true, true), ("kubelet", false, false)]);
        assert_eq!(found.arch.as_deref(), Some("arm64"));
        let call = &fakes.commands.calls()[0];
        assert!(call.starts_with("dpkg-query --admindir=/cm/images/x/var/lib/dpkg -W "), "{call}");
    }
}
