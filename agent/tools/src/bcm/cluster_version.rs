//! `cmsh … get version`: the Kubernetes version of a cluster in BCM's metadata.

use super::{cmsh, odd, printed, short, without_suffix};
use podlift_host::Host;
use podlift_model::{ClusterName, Failure, PackageVersion};

pub async fn look(host: &Host, cluster: &ClusterName) -> Result<PackageVersion, Failure> {
    parse(&printed(host, cmsh::of_cluster(cluster, "get version")).await?).map_err(odd)
}

/// Reads `1.31.9-1.1`, with or without `(where it comes from)`.
fn parse(text: &str) -> Result<PackageVersion, String> {
    let text = text.trim();
    without_suffix(text)
        .parse()
        .map_err(|_| format!("it printed something else than a version: {}", short(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn one_fixed_command() {
        let fakes = Fakes::new(|_| said("1.31.9-1.1 (default)\n"));
        let version = look(&fakes.host, &"runaicluster".parse().unwrap()).await.unwrap();
        assert_eq!(version.to_string(), "1.31.9-1.1");
        let want = "cmsh -n -q --hide-events --color no -c kubernetes use runaicluster; get version";
        assert_eq!(fakes.commands.calls(), [want]);
    }

    #[test]
    fn a_version_and_nothing_else() {
        for text in ["1.31.9-1.1\n", "1.31.9-1.1 (default)\n"] {
            assert_eq!(parse(text).unwrap().to_string(), "1.31.9-1.1");
        }
        assert!(parse("No such object").unwrap_err().contains("No such object"));
    }
}
