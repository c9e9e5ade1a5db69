//! Changes of BCM's own state by `set` and `commit`. cmsh may exit 0 and change nothing, or exit 1 and have changed it, so each function
//! returns cmsh's words for people, and the caller looks at the result in a new process.

use super::cmsh::{self, CHUNK};
use super::told;
use crate::UnitSpec;
use podlift_host::Host;
use podlift_model::bcm::{CategoryName, ImageName};
use podlift_model::{ClusterName, Failure, NodeName, PackageVersion};
use std::time::Duration;

/// A copy of an image of several hundred gigabytes takes an hour.
const COPY: Duration = Duration::from_secs(6 * 3600);
/// The update of one node takes minutes; it may wait for a slot.
const UPDATE: Duration = Duration::from_secs(3 * 3600);

/// Sets the image of one node.
pub async fn assign(host: &Host, node: &NodeName, image: &ImageName) -> Result<String, Failure> {
    told(host, cmsh::script(&format!("device use {node}; set softwareimage {image}; commit"))).await
}

/// Sets the image of a category.
pub async fn category(host: &Host, category: &CategoryName, image: &ImageName) -> Result<String, Failure> {
    told(host, cmsh::script(&format!("category use {category}; set softwareimage {image}; commit"))).await
}

/// Clears the images of these nodes, so that the category's is theirs. Each is committed by itself, because it is not documented whether a
/// commit includes other objects than the one in use.
pub async fn clear(host: &Host, nodes: &[NodeName]) -> Result<String, Failure> {
    let mut said = String::new();
    for chunk in nodes.chunks(CHUNK) {
        let each = chunk.iter().map(|node| format!("device use {node}; clear softwareimage; commit"));
        let script = each.collect::<Vec<_>>().join("; ");
        said += &told(host, cmsh::script(&script).timeout(Duration::from_secs(600))).await?;
    }
    Ok(said)
}

/// Sets the Kubernetes version in BCM's metadata.
pub async fn version(
    host: &Host,
    cluster: &ClusterName,
    version: &PackageVersion,
) -> Result<String, Failure> {
    told(host, cmsh::of_cluster(cluster, &format!("set version {version}; commit"))).await
}

/// Removes the image from BCM's list; its files stay.
pub async fn remove_image(host: &Host, image: &ImageName) -> Result<String, Failure> {
    told(host, cmsh::script(&format!("softwareimage; remove {image}; commit"))).await
}

/// Copies an image. `-w` of `commit` waits for CMDaemon's tasks.
pub fn clone_image(from: &ImageName, image: &ImageName) -> UnitSpec {
    cmsh::unit(&format!("softwareimage; clone {from} {image}; commit -w"), COPY)
}

/// Sends the images to the provisioners. Without a name it waits for the end.
pub fn update_provisioners() -> UnitSpec {
    cmsh::unit("softwareimage; updateprovisioners", COPY)
}

/// Lets BCM write the node's image to it. In imageupdate, `-w` means write and `--wait` means wait.
pub fn imageupdate(node: &NodeName, write: bool) -> UnitSpec {
    let write = if write { " -w" } else { "" };
    cmsh::unit(&format!("device; imageupdate -n {node}{write} --wait"), UPDATE)
}

/// The command that deletes the files of an image, and nothing that is mounted in it.
pub fn deletion(path: &str) -> [&str; 5] {
    ["rm", "-rf", "--one-file-system", "--", path]
}

/// Deletes the files of an image.
pub fn delete_files(path: &str) -> UnitSpec {
    UnitSpec::new("rm", deletion(path)[1..].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn fixed_scripts() {
        let fakes = Fakes::new(|_| said(""));
        let (host, image) = (&fakes.host, "img".parse().unwrap());
        let nodes: Vec<NodeName> = (0..150).map(|n| format!("n{n}").parse().unwrap()).collect();
        assign(host, &nodes[0], &image).await.unwrap();
        category(host, &"dgx".parse().unwrap(), &image).await.unwrap();
        clear(host, &nodes[..2]).await.unwrap();
        version(host, &"k8s".parse().unwrap(), &"1.32.9-1.1".parse().unwrap()).await.unwrap();
        remove_image(host, &image).await.unwrap();
        let start = "cmsh -n -q --hide-events --color no -c ";
        let scripts: Vec<String> = fakes.commands.calls().iter().map(|c| c.replace(start, "")).collect();
        assert_eq!(
            scripts,
            [
                "device use n0; set softwareimage img; commit",
                "category use dgx; set softwareimage img; commit",
                "device use n0; clear softwareimage; commit; device use n1; clear softwareimage; commit",
                "kubernetes use k8s; set version 1.32.9-1.1; commit",
                "softwareimage; remove img; commit",
            ]
        );
        clear(host, &nodes).await.unwrap();
        assert_eq!(fakes.commands.calls().len(), 7);
        assert_eq!(imageupdate(&nodes[0], false).args.last().unwrap(), "device; imageupdate -n n0 --wait");
        assert_eq!(imageupdate(&nodes[0], true).args.last().unwrap(), "device; imageupdate -n n0 -w --wait");
    }
}
