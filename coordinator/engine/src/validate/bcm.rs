//! BCM's own books: its version of the cluster, its applications, and the software images from which nodes are provisioned.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, Scene};
use crate::program::Severity;
use podlift_model::NodeName;

pub(super) const CHECK: Check = Check {
    id: "bcm",
    title: "BCM's books agree with the cluster",
    group: Group::Bcm,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "cmsh -c \"kubernetes; list\"";

fn judge(scene: &Scene) -> Verdict {
    let seen = match &scene.bcm {
        Err(why) => return open(format!("BCM can't be asked: {why}"), NEXT),
        Ok(None) => {
            return open(
                "no head node is configured: set [bcm] head in /etc/podlift/coordinator.toml, then restart the coordinator",
                "systemctl restart podlift-coordinator",
            );
        }
        Ok(Some(seen)) => seen,
    };
    let (mut faults, mut soft, mut away, mut good) = (vec![], vec![], vec![], vec![]);
    match (&seen.version, scene.version) {
        (Err(why), _) => away.push(format!("the version in BCM's metadata can't be read: {why}")),
        // The run writes it when all API servers have it.
        (Ok(is), Some(wanted)) if *is != wanted && !scene.without.is_empty() => {
            let left: Vec<&str> = scene.without.keys().map(NodeName::as_str).collect();
            soft.push(format!(
                "BCM's metadata says {is}, and the cluster is at {wanted} without {}",
                left.join(", ")
            ));
        }
        (Ok(is), Some(wanted)) if *is != wanted => {
            faults.push(format!("BCM's metadata says {is}, and the cluster is at {wanted}"));
        }
        (Ok(is), None) => {
            away.push(format!("BCM's metadata says {is}, and no run says which version is expected"));
        }
        (Ok(is), Some(_)) => good.push(format!("BCM's metadata says {is}")),
    }
    match (&seen.applications, scene.before.as_ref().and_then(|before| before.applications.as_ref())) {
        (Err(why), _) => away.push(format!("BCM's applications can't be read: {why}")),
        (Ok(now), Ok(before)) => {
            let on = |name: &str| now.iter().any(|a| a.name == name && a.enabled);
            let gone = before.iter().filter(|a| a.enabled && !on(&a.name));
            faults.extend(
                gone.map(|a| format!("BCM's application {} was enabled before and is not now", a.name)),
            );
        }
        (Ok(_), Err(why)) => {
            away.push(format!("there is no record to compare BCM's applications with: {why}"));
        }
    }
    match &seen.images {
        Err(why) => away.push(format!("the software images can't be read: {why}")),
        Ok(images) => {
            let behind = images.iter().filter(|(_, is)| scene.version.is_some() && **is != scene.version);
            soft.extend(behind.map(|(image, is)| match is {
                Some(is) => {
                    format!("software image {image} has kubelet {is}: the next provisioning brings it back")
                }
                None => format!("software image {image} has no kubelet package that podlift knows"),
            }));
            good.push(format!("{} looked into", podlift_model::count(images.len(), "software image")));
        }
    }
    match () {
        () if !faults.is_empty() => failed(faults, NEXT).and(soft).and(away),
        () if !soft.is_empty() => failed(soft, NEXT).means(Severity::Warning).and(away),
        () if !away.is_empty() => open(away.remove(0), NEXT).and(away).and(good),
        () => passed(good.remove(0)).and(good),
    }
}
