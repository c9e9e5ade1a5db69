//! What BCM has at the end of a run that went through images, by the World's own record.

use super::{Case, Finding, finding};
use crate::world::{State, What};

pub(super) fn images(case: &Case) -> Finding {
    let package = case.to.to_string().trim_start_matches('v').to_string();
    let s = case.world.lock();
    let mut wrong = vec![];
    wrong.extend(case.world.shape.workers.iter().filter_map(|node| served(&s, node, &package)));
    wrong.extend(case.world.shape.nodes().filter_map(|node| books(&s, node, &package)));
    wrong.extend(case.scenario.bcm.outside.iter().filter_map(|o| outside(&s, &o.name, o.image.as_deref())));
    wrong.extend(originals(&s, &case.world.shape.from.to_string()));
    if !s.bcm.version.starts_with(&package) {
        wrong.push(format!("BCM's metadata says {}", s.bcm.version));
    }
    let text = format!("{} images, {} syncs; wrong: {wrong:?}", s.bcm.images.len(), s.bcm.syncs.len());
    finding("images", wrong.is_empty(), text)
}

fn at(s: &State, image: &str, package: &str) -> bool {
    let Some(i) = s.bcm.images.get(image) else { return false };
    let packages = &s.node(&i.path).packages;
    ["kubeadm", "kubelet", "kubectl"]
        .iter()
        .all(|p| packages.get(*p).is_some_and(|p| p.version.starts_with(package)))
}

/// Its packages came by one imageupdate, and by no older copy of the image.
fn served(s: &State, node: &str, package: &str) -> Option<String> {
    let mine = s.effects.iter().filter(|e| e.node == node);
    let wrote: Vec<&Vec<String>> = mine
        .filter_map(|e| match &e.what {
            What::Synced { wrote, .. } => Some(wrote),
            _ => None,
        })
        .collect();
    let new = wrote.iter().filter(|w| w.iter().any(|p| p.starts_with(&format!("kubelet={package}")))).count();
    (wrote.len() != 1 || new != 1)
        .then(|| format!("{node}: {} syncs, {new} with the new kubelet", wrote.len()))
}

/// The next sync brings what is there, and a worker has no image of its own any more.
fn books(s: &State, node: &str, package: &str) -> Option<String> {
    let Some((image, own)) = s.bcm.image_of(node) else { return Some(format!("{node} has no image")) };
    let worker = s.nodes.get(node).is_some_and(|n| !n.is_control_plane());
    (!at(s, &image, package) || (worker && own))
        .then(|| format!("{node} has {image}, set at the node: {own}"))
}

fn outside(s: &State, device: &str, image: Option<&str>) -> Option<String> {
    let is = s.bcm.image_of(device).map(|(image, _)| image);
    let synced = s.bcm.syncs.contains_key(device);
    let same = image.is_none_or(|image| is.as_deref() == Some(image));
    (!same || synced).then(|| format!("{device} has {is:?}, synced: {synced}"))
}

/// What was there before the run: no image of a name without a version was changed, and none is left locked or with mounts.
fn originals(s: &State, from: &str) -> Vec<String> {
    let from = from.trim_start_matches('v');
    let bad = |name: &str, i: &crate::world::bcm::SoftwareImage| {
        let changed = !name.contains("-k8s-") && !at(s, name, from);
        changed || i.locked || !i.mounts.is_empty()
    };
    s.bcm.images.iter().filter(|(name, i)| bad(name, i)).map(|(name, i)| format!("{name}: {i:?}")).collect()
}
