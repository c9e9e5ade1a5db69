//! `apt-cache madison`: the exact versions that a repository offers.

use super::{apt, run};
use podlift_host::{Host, Invocation};
use podlift_model::facts::PackageOffer;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, codes};

/// Which lists to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    Own,
    /// Those of the private root, with the name of its source.
    Private(&'static str),
}

pub async fn offers(host: &Host, lists: Lists, packages: &[Package]) -> Result<Vec<PackageOffer>, Failure> {
    let options = match lists {
        Lists::Own => Vec::new(),
        Lists::Private(source) => apt::private_root(source),
    };
    let names = packages.iter().map(|p| p.name().to_string());
    let args = options.into_iter().chain(["madison".to_string()]).chain(names);
    let call = Invocation::new("apt-cache", args);
    let output = run(host, &call).await?;
    match output.success() {
        true => Ok(parse(&output.stdout)),
        false => Err(apt::judge(
            &format!("{}{}", output.stdout, output.stderr),
            &format!("exited {}", output.code),
        )),
    }
}

fn parse(text: &str) -> Vec<PackageOffer> {
    let line = |line: &str| {
        let mut fields = line.split(" | ").map(str::trim);
        let (package, version, source) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?);
        let repository = source.strip_suffix("Packages").unwrap_or(source).trim().to_string();
        Some(PackageOffer { package, version, repository })
    };
    text.lines().filter_map(line).collect()
}

/// Fails if a pin is not offered, and names the offers.
pub fn check(pins: &[PackagePin], offers: &[PackageOffer]) -> Result<(), Failure> {
    for pin in pins {
        let of_package: Vec<&PackageOffer> = offers.iter().filter(|o| o.package == pin.package).collect();
        if of_package.iter().any(|o| o.version == pin.version) {
            continue;
        }
        let versions: Vec<String> = of_package.iter().take(8).map(|o| o.version.to_string()).collect();
        let repositories: std::collections::BTreeSet<&str> =
            offers.iter().map(|o| o.repository.as_str()).collect();
        let repositories: Vec<&str> = repositories.into_iter().collect();
        let has = if versions.is_empty() { "nothing".to_string() } else { versions.join(", ") };
        let at = if repositories.is_empty() {
            "the configured repositories".into()
        } else {
            repositories.join(", ")
        };
        let message = format!(
            "{} {} is not offered: {at} has {has}; choose one of these, or look at the mirror and `apt-get update`",
            pin.package, pin.version,
        );
        return Err(Failure::operator(codes::PACKAGE_VERSION_MISSING, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const APT: &str = include_str!("../../../tests/fixtures/transcripts/apt-transcript.txt");

    #[test]
    fn reads_what_apt_cache_printed() {
        let offers = parse(APT);
        let [offer] = offers.as_slice() else { panic!("{offers:?}") };
        assert_eq!((offer.package, offer.version.to_string().as_str()), (Package::Kubeadm, "1.32.13-1.1"));
        assert_eq!(offer.repository, "https://pkgs.k8s.io/core:/stable:/v1.32/deb");
    }

    #[test]
    fn names_what_there_is() {
        let pin = |version: &str| PackagePin { package: Package::Kubeadm, version: version.parse().unwrap() };
        assert_eq!(check(&[pin("1.32.13-1.1")], &parse(APT)), Ok(()));
        let failure = check(&[pin("1.32.9-1.1")], &parse(APT)).unwrap_err();
        assert_eq!(failure.code, "package-version-missing");
        assert!(failure.message.contains("core:/stable:/v1.32/deb has 1.32.13-1.1"), "{}", failure.message);
        assert!(check(&[pin("1.32.9-1.1")], &[]).unwrap_err().message.contains("has nothing"));
    }
}
