//! `kubernetes; list`: the Kubernetes clusters of BCM, each with the version of its metadata.

use super::{cluster_version, cmsh, odd, printed, table};
use podlift_host::Host;
use podlift_model::bcm::BcmCluster;
use podlift_model::{ClusterName, Failure};

pub async fn look(host: &Host) -> Result<Vec<BcmCluster>, Failure> {
    let mut clusters = Vec::new();
    let text = printed(host, cmsh::script("kubernetes; list -f name:0")).await?;
    for name in table::names::<ClusterName>(&text).map_err(odd)? {
        // A version of another form is shown as none: a plan for that cluster asks for it alone and says why.
        let version = cluster_version::look(host, &name).await.ok();
        clusters.push(BcmCluster { name, version });
    }
    Ok(clusters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn each_with_its_version() {
        let fakes = Fakes::new(|call| match call.args.last().unwrap().as_str() {
            "kubernetes; list -f name:0" => said("Name (key)\n----------\nk8s-admin\nk8s-user  \n"),
            "kubernetes use k8s-admin; get version" => said("1.31.9-1.1\n"),
            _ => said("\n"),
        });
        let all = look(&fakes.host).await.unwrap();
        let shown: Vec<_> = all.iter().map(|c| (c.name.as_str(), c.version.is_some())).collect();
        assert_eq!(shown, [("k8s-admin", true), ("k8s-user", false)]);
    }
}
