//! Each API server, asked on its own, lists the same images of the control plane and of CoreDNS, and those of Kubernetes have the version's
//! tag. An API server that answers from an old cache, or another etcd, is seen here.

use super::check::{Check, Verdict, failed, open, passed, unseen};
use super::{Group, ImageSeen, Scene};
use crate::program::Severity;
use podlift_model::{KubeVersion, count};
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "running-images",
    title: "Every API server lists the images of the version",
    group: Group::Versions,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl -n kube-system get pods -o custom-columns=POD:.metadata.name,IMAGE:.status.containerStatuses[*].image";
/// Containers whose image has the version of Kubernetes. The pods of kube-proxy are not looked at: check `addons` is about them.
const OF_KUBERNETES: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

fn judge(scene: &Scene) -> Verdict {
    let seen: Vec<(&String, BTreeSet<&ImageSeen>)> = scene
        .images
        .iter()
        .filter_map(|(at, seen)| Some((at, seen.as_ref().ok()?.iter().collect())))
        .collect();
    let away = unseen(&scene.images);
    let Some((reference, first)) = seen.first() else {
        return open("no API server could be asked", NEXT).and(away);
    };
    let mut faults: BTreeSet<String> = BTreeSet::new();
    for (server, images) in &seen {
        faults.extend(images.iter().filter_map(|image| fault(scene, server, image)));
        let differ = images.symmetric_difference(first).next();
        faults.extend(differ.map(|image| {
            format!("{server} and {reference} do not list the same: {} of {}", image.image, image.pod)
        }));
    }
    let none = first.iter().all(|image| !OF_KUBERNETES.contains(&image.container.as_str()));
    match () {
        () if !faults.is_empty() => failed(faults.into_iter().collect(), NEXT).and(away),
        () if !away.is_empty() => open("not every API server could be asked", NEXT).and(away),
        () if none => open(format!("{reference} lists no container of Kubernetes"), NEXT),
        () => passed(format!(
            "{} list the same {}",
            count(seen.len(), "API server"),
            count(first.len(), "running image")
        )),
    }
}

fn fault(scene: &Scene, server: &str, image: &ImageSeen) -> Option<String> {
    let wanted = scene.version.filter(|_| OF_KUBERNETES.contains(&image.container.as_str()))?;
    // A static pod has the name of its node at its end.
    if scene.without.keys().any(|node| image.pod.ends_with(&format!("-{node}"))) {
        return None;
    }
    // A digest may follow the tag.
    let name = image.image.split('@').next().unwrap_or_default();
    let tag: Option<KubeVersion> = name.rsplit_once(':').and_then(|(_, tag)| tag.parse().ok());
    (tag != Some(wanted)).then(|| format!("{server} lists {} of {}, not {wanted}", image.image, image.pod))
}
