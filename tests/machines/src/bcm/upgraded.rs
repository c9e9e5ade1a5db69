//! What must be so after a run through images, by what the folders, dpkg and the machines say.

use super::daemon::Daemon;
use super::image::package;
use super::{Imaged, planted};
use crate::configs::HEAD;
use crate::dpkg::Log;
use crate::fleet::{FROM, Fleet, TO};
use crate::judge::PACKAGES;
use anyhow::{Context as _, ensure};
use podlift_lab::World;

/// A person lets BCM write a node again, as a reboot would: its packages must be those that it has.
pub async fn write_again(fleet: &Fleet, node: &str) -> anyhow::Result<()> {
    let script = format!("device; imageupdate -n {node} -w --wait");
    let cmsh = "/cm/local/apps/cmd/bin/cmsh";
    let said = fleet.machine(HEAD).run(&[cmsh, "-n", "-q", "--color", "no", "-c", &script]).await?;
    ensure!(said.contains("[ COMPLETED ]"), "imageupdate of {node}: {said}");
    Ok(())
}

/// Everything that is not as it should be.
pub async fn complaints(fleet: &Fleet) -> anyhow::Result<Vec<String>> {
    let Some(daemon) = fleet.daemon() else { return Ok(vec![]) };
    let mut all = daemon.complaints();
    for of in fleet.imaged() {
        all.extend(image(daemon, of)?);
        all.extend(books(fleet.world(), of));
        all.extend(written(daemon, of));
        all.extend(planted::complaints(fleet.machine(&of.node)));
    }
    all.extend(left(fleet).await?);
    Ok(all)
}

/// The old image is as it was; dpkg in its clone has put each package in place once.
fn image(daemon: &Daemon, of: &Imaged) -> anyhow::Result<Vec<String>> {
    let images = daemon.images();
    let clones: Vec<String> =
        images.names().into_iter().filter(|n| n.starts_with(&format!("{}-", of.image))).collect();
    let [clone] = clones.as_slice() else {
        return Ok(vec![format!("{} has the clones {clones:?}", of.image)]);
    };
    let mut all = vec![];
    for (name, version, times) in [(of.image, FROM, 0), (clone.as_str(), TO, 1)] {
        let (root, log): (_, Log) = (images.root(name), images.log(name));
        for package_name in PACKAGES {
            let is = package(&root, package_name, "${Version} ${db:Status-Abbrev}")?;
            let wanted = format!("{}-1.1 hi", version.trim_start_matches('v'));
            if is != wanted {
                all.push(format!("image {name}: {package_name} is {is}, expected {wanted}"));
            }
            if log.upgrades(package_name) != times {
                let found = log.upgrades(package_name);
                all.push(format!(
                    "image {name}: dpkg unpacked {package_name} {found} times, expected {times}"
                ));
            }
        }
    }
    Ok(all)
}

/// The category has the clone, and the node has no value of its own.
fn books(world: &World, of: &Imaged) -> Vec<String> {
    let s = world.lock();
    let clone = |image: Option<&String>| image.is_some_and(|i| i.starts_with(&format!("{}-k8s-", of.image)));
    let category = s.bcm.categories.get(of.category).and_then(|c| c.image.as_ref());
    let own = s.bcm.devices.get(&of.node).and_then(|d| d.image.as_ref());
    let mut all = vec![];
    if !clone(category) || own.is_some() {
        all.push(format!("category {} has {category:?}, {} has {own:?}", of.category, of.node));
    }
    all
}

/// The last update wrote the image that the node has now, and the first one deleted what the machine alone had.
fn written(daemon: &Daemon, of: &Imaged) -> Vec<String> {
    let updates: Vec<_> = daemon.updates().into_iter().filter(|u| u.node == of.node && u.write).collect();
    let told: Vec<_> = updates.iter().map(|u| (u.image.as_str(), u.lines.len())).collect();
    let deleted = updates.first().is_some_and(|u| u.lines.iter().any(|l| l == "deleting opt/planted"));
    let clone = updates.iter().all(|u| u.image != of.image);
    let wrong = updates.len() != 1 || !deleted || !clone;
    wrong.then(|| format!("{} was written {told:?}", of.node)).into_iter().collect()
}

/// Nothing is mounted in an image any more.
async fn left(fleet: &Fleet) -> anyhow::Result<Vec<String>> {
    let mounts =
        fleet.machine(HEAD).run(&["cat", "/proc/1/mounts"]).await.context("mounts of the head node")?;
    let points = mounts.lines().filter_map(|l| l.split(' ').nth(1));
    // An image of the beginning is a mount itself.
    let inside = points.filter(|p| p.strip_prefix("/cm/images/").is_some_and(|rest| rest.contains('/')));
    Ok(inside.map(|p| format!("{p} is still mounted")).collect())
}
