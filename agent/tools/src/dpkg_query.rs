//! `dpkg-query`: installed packages and holds, of this node or of a software image on a head node. It reads dpkg's own state: `apt-mark
//! showhold` does not see what an interrupted dpkg has written to its journal, and lists holds that no longer exist. It runs no program of
//! an image, so it works for every architecture.

use super::run;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use podlift_model::facts::PackageState;
use podlift_model::op::Package;
use std::collections::BTreeMap;

/// What dpkg's database has of Kubernetes' packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// A package that was never installed, or that is removed with its settings, is left out.
    pub known: BTreeMap<Package, PackageState>,
    /// Architecture of the package dpkg itself; `None` if it was not asked for, or if the image has no dpkg.
    pub arch: Option<String>,
}

/// The known packages of this node.
pub async fn known(host: &Host) -> Result<BTreeMap<Package, PackageState>, Failure> {
    let args = ["-W", "-f=${Package}\\t${Version}\\t${Status}\\n"].map(String::from);
    Ok(look(host, args, None).await?.known)
}

/// Those of the image in this folder, with its architecture.
pub async fn of_image(host: &Host, path: &str) -> Result<Packages, Failure> {
    let format = "-f=${Package}\\t${Version}\\t${Status}\\t${Architecture}\\n";
    let args = [format!("--admindir={path}/var/lib/dpkg"), "-W".into(), format.into()];
    look(host, args, Some("dpkg")).await
}

/// Exit code 1 says that a package is not known, which is no error.
async fn look(
    host: &Host,
    args: impl IntoIterator<Item = String>,
    more: Option<&'static str>,
) -> Result<Packages, Failure> {
    let names = Package::ALL.iter().map(Package::name).chain(more).map(String::from);
    let output = run(host, &Invocation::new("dpkg-query", args.into_iter().chain(names))).await?;
    Ok(parse(&output.stdout))
}

/// Reads lines `PACKAGE VERSION WANT FLAG STATUS [ARCHITECTURE]`.
fn parse(text: &str) -> Packages {
    let mut found = Packages::default();
    for line in text.lines() {
        let mut fields = line.split('\t').map(str::trim);
        let (Some(name), Some(version), Some(status)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if name == "dpkg" {
            found.arch = fields.next().filter(|arch| !arch.is_empty()).map(String::from);
        } else if let Ok(package) = name.parse()
            && !status.ends_with(" not-installed")
        {
            let whole = status.ends_with(" ok installed");
            let version = version.parse().ok().filter(|_| whole);
            found.known.insert(package, PackageState { version, held: status.starts_with("hold ") });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    fn shown(text: &str) -> Vec<String> {
        let line = |(p, k): (&Package, &PackageState)| {
            format!("{p} {} {}", k.version.as_ref().map_or("-".into(), ToString::to_string), k.held)
        };
        parse(text).known.iter().map(line).collect()
    }

    #[test]
    fn whole_packages_and_holds() {
        let text = "kubeadm\t1.32.9-1.1\thold ok installed\nkubelet\t1.32.9-1.1\tinstall ok unpacked\n\
                    kubectl\t1.31.9-1.1\tinstall ok installed\nbash\t5.2-1\tinstall ok installed\n\
                    cri-tools\t1.31.14-1.1\thold reinstreq half-installed\nkubernetes-cni\t\tunknown ok not-installed\n";
        assert_eq!(
            shown(text),
            ["kubeadm 1.32.9-1.1 true", "kubelet - false", "kubectl 1.31.9-1.1 false", "cri-tools - true"]
        );
        assert_eq!(shown("kubeadm\todd\thold ok installed\n"), ["kubeadm - true"], "of another repository");
        assert_eq!(shown("kubeadm\t1.32.9-1.1\nno line at all\n"), [""; 0]);
    }

    #[tokio::test]
    async fn one_call_for_the_packages_of_an_image_and_its_architecture() {
        let text = "kubeadm\t1.31.9-1.1\thold ok installed\tamd64\nkubelet\t1.32.9-1.1\tinstall ok half-configured\tamd64\nkubectl\t\tunknown ok not-installed\t\ndpkg\t1.22.6\tinstall ok installed\tarm64\nbash\t5.2\tinstall ok installed\tamd64\n";
        assert_eq!(shown(text), ["kubeadm 1.31.9-1.1 true", "kubelet - false"]);
        let fakes = Fakes::new(move |_| said(text));
        assert_eq!(of_image(&fakes.host, "/cm/images/x").await.unwrap().arch.as_deref(), Some("arm64"));
        assert!(known(&fakes.host).await.unwrap()[&Package::Kubeadm].held);
        let calls = fakes.commands.calls();
        assert!(calls[0].starts_with("dpkg-query --admindir=/cm/images/x/var/lib/dpkg -W "), "{}", calls[0]);
        assert!(calls[0].ends_with(" dpkg") && calls[1].starts_with("dpkg-query -W -f="), "{calls:?}");
    }
}
