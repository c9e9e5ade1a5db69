//! Every static pod is Ready and has run without a restart for the soak time.

use super::check::{Check, Verdict, failed, open, passed, unseen};
use super::{Group, Scene, StaticPod};
use crate::program::Severity;
use podlift_model::count;

pub(super) const CHECK: Check = Check {
    id: "static-pods",
    title: "Static pods are stable",
    group: Group::ControlPlane,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl -n kube-system get pods -l tier=control-plane -o wide";

fn judge(scene: &Scene) -> Verdict {
    let pods = match &scene.static_pods {
        Err(why) => return open(format!("the static pods can't be seen: {why}"), NEXT),
        Ok(pods) if pods.is_empty() => return open("the API lists no static pod", NEXT),
        Ok(pods) => pods,
    };
    let mut faults: Vec<String> = pods.iter().filter_map(|pod| fault(scene, pod)).collect();
    for (node, before) in &scene.components {
        let (Ok(before), Some(Ok(after))) = (before, scene.components_after.get(node)) else { continue };
        for was in before {
            let Some(is) = after.iter().find(|is| is.component == was.component) else { continue };
            if is.container != was.container || is.restarts != was.restarts {
                faults.push(format!(
                    "{node}: {} was started again within {} s",
                    was.component, scene.soak_seconds
                ));
            }
        }
    }
    let mut away = unseen(&scene.components);
    away.extend(unseen(&scene.components_after));
    away.extend(
        scene
            .components
            .keys()
            .filter(|node| !scene.components_after.contains_key(*node))
            .map(|node| format!("{node}: it was not looked at a second time")),
    );
    match () {
        () if !faults.is_empty() => failed(faults, NEXT).and(away),
        () if scene.components.is_empty() => {
            open("no agent has reported the containers, so a restart would not be seen", NEXT)
        }
        () if !away.is_empty() => open("not every node could be watched", NEXT).and(away),
        () => passed(format!(
            "{} Ready and without a restart for {} s",
            count(pods.len(), "static pod"),
            scene.soak_seconds
        )),
    }
}

fn fault(scene: &Scene, pod: &StaticPod) -> Option<String> {
    if let Some(why) = &pod.waiting {
        return Some(format!("{} on {} waits: {why}, {} restarts", pod.name, pod.node, pod.restarts));
    }
    if !pod.ready {
        return Some(format!("{} on {} is not Ready", pod.name, pod.node));
    }
    let age = scene.at.duration_since(pod.started?).as_secs();
    (age < scene.soak_seconds as i64).then(|| {
        format!("{} on {} has run for only {age} s, with {} restarts", pod.name, pod.node, pod.restarts)
    })
}
