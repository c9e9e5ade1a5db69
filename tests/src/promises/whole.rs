//! The run as a whole, through the cause of the bad night.

use crate::cut::Cut;
use crate::pod::{Pod, TO, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_agent::config::Mode;
use podlift_coordinator::Command;
use podlift_engine::machine::RunStatus;
use podlift_engine::view::checks::SignOff;
use podlift_lab::Shape;

/// Everything at the target, nothing done twice, nothing left behind.
pub fn upgraded(pod: &Pod) -> Kept {
    let Some(state) = pod.state() else { return Err("there is no run".into()) };
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let audit = pod.world.audit(TO);
    ensure(audit.ok(), || format!("{audit:?}"))?;
    let snapshot = pod.world.snapshot();
    for (name, node) in &snapshot.nodes {
        let version = TO.to_string();
        ensure(node.kubelet.as_deref() == Some(&version), || format!("{name}: kubelet {:?}", node.kubelet))?;
        ensure(node.ready && node.owned.is_empty(), || {
            format!("{name}: ready {}, marks {:?}", node.ready, node.owned)
        })?;
        ensure(node.held.len() == 3 || node.held.len() > 3, || format!("{name}: held {:?}", node.held))?;
        for (component, (flags, image, runs)) in &node.manifests {
            ensure(image.ends_with(&version) && *runs, || {
                format!("{name}: {component} is {image}, running it: {runs}")
            })?;
            let etcd = flags.items("etcd-servers");
            ensure(
                component != "kube-apiserver" || etcd.len() == pod.world.shape.control_planes.len(),
                || format!("{name}: {etcd:?}"),
            )?;
        }
        ensure(node.stray.is_empty(), || format!("{name}: stray files {:?}", node.stray))?;
    }
    Ok(())
}

/// What the run prevents, it prevents; no heal is needed.
pub async fn the_bad_night_does_not_happen(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(Shape::default(), sabotage);
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    pod.rest().await;
    upgraded(&pod)?;
    let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
    ensure(report.prevented.len() == 2, || format!("{:?}", report.prevented))?;
    ensure(report.heals.is_empty(), || format!("{:?}", report.heals))?;
    ensure(report.api_outage.vip_seconds == 0.0, || format!("{:?}", report.api_outage))?;
    // Nothing writes BCM's metadata here, the World has no Calico, and no pod answers the checks that ask one.
    let open =
        |c: &SignOff| c.result == "open" && matches!(c.id.as_str(), "bcm-metadata" | "calico" | "validated");
    let failed = report.checks.iter().find(|c| c.result != "passed" && !open(c));
    ensure(failed.is_none(), || format!("{failed:?}"))
}

/// Waived, so that every guard has to save its node.
pub async fn guards_save_each_node(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(Shape::default(), sabotage);
    pod.waivers = vec![("flag-loss".into(), "the lab wants to see the heal".into())];
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    pod.rest().await;
    upgraded(&pod)?;
    let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
    for node in &pod.world.shape.control_planes {
        ensure(report.heals.iter().any(|h| h.node.as_str() == node), || {
            format!("no heal on {node}: {:?}", report.heals)
        })?;
    }
    ensure(report.api_outage.vip_seconds == 0.0, || format!("{:?}", report.api_outage))
}

/// kubeadm says SUCCESS over a crashed API server: the run sees it, says why in that server's own words, and with the waiver lifted
/// mends the cause.
pub async fn a_lying_exit_code_is_seen_through(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(Shape::default(), sabotage);
    pod.heal = Mode::Off;
    pod.waivers = vec![("flag-loss".into(), "the lab wants to see the trap".into())];
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    let RunStatus::Paused { reason } = &state.status else {
        return Err(format!("expected a pause, got {}", why(&state)));
    };
    ensure(reason.message.contains("--etcd-servers must be specified"), || why(&state))?;
    ensure(reason.next.starts_with("podlift retry"), || why(&state))?;
    let one =
        pod.world.snapshot().nodes.values().filter(|n| !n.manifests.is_empty() && !n.api_server).count();
    ensure(one == 1, || format!("{one} API servers were lost, expected only the first"))?;
    pod.say(Command::Unwaive { check: "flag-loss".into() }).await.map_err(|e| e.to_string())?;
    pod.say(Command::Retry { step: None, repair_dpkg: false }).await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested again")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
    ensure(report.api_outage.endpoints.values().any(|s| *s > 0.0), || "no outage in the report".into())?;
    ensure(report.prevented.len() == 2, || format!("{:?}", report.prevented))
}
