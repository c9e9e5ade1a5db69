//! An attempt of kubeadm after an end that is not known.

use super::{Applied, act, pods};
use crate::testing::{Bench, said};
use podlift_host::paths;
use podlift_model::op::SkipPhase;
use podlift_model::{HostOp, KubeVersion};

const TO: KubeVersion = KubeVersion::new(1, 32, 13);

fn apply() -> HostOp {
    HostOp::KubeadmApply { to: TO, skip: vec![SkipPhase::Addon], ignore: vec![], whole: false }
}

/// A node whose pods run at `running`, and whose manifests on the disk are at `written`.
fn bench(running: &'static str, written: &str) -> Bench {
    let b = Bench::new(move |call| match call.args[0].as_str() {
        "version" => said("v1.32.13\n"),
        _ => pods::answer(&pods::at(running), call),
    });
    let b = b.control_plane();
    for manifest in pods::at("v1.31.14") {
        let path = paths::manifest(manifest.component);
        let text = b.files.text(&path).replace("v1.31.14", written);
        b.files.put(&path, text.as_bytes());
    }
    b
}

async fn command(b: &Bench, op: HostOp) -> String {
    let Ok(Applied::Unit(spec)) = act(&b.node(), op).await else { panic!() };
    spec.args.join(" ")
}

#[tokio::test(start_paused = true)]
async fn manifests_that_the_target_runs_already_are_not_written_again() {
    let b = bench("v1.32.13", "v1.32.13");
    assert_eq!(command(&b, apply()).await, "upgrade apply v1.32.13 --yes --skip-phases=addon,control-plane");
    let node = HostOp::KubeadmNode { skip: vec![], whole: false };
    assert_eq!(command(&b, node).await, "upgrade node --skip-phases=control-plane");
    let asked = HostOp::KubeadmNode { skip: vec![SkipPhase::ControlPlane], whole: false };
    assert_eq!(command(&b, asked).await, "upgrade node --skip-phases=control-plane");
}

/// A coordinator that has put settings back into kubeadm-config wants them in the manifests.
#[tokio::test(start_paused = true)]
async fn an_op_that_is_whole_writes_manifests_that_the_target_runs_already() {
    let b = bench("v1.32.13", "v1.32.13");
    let apply = HostOp::KubeadmApply { to: TO, skip: vec![SkipPhase::Addon], ignore: vec![], whole: true };
    assert_eq!(command(&b, apply).await, "upgrade apply v1.32.13 --yes --skip-phases=addon");
    let node = HostOp::KubeadmNode { skip: vec![], whole: true };
    assert_eq!(command(&b, node).await, "upgrade node");
}

#[tokio::test(start_paused = true)]
async fn all_phases_run_where_anything_is_not_at_the_target() {
    for (running, written) in [("v1.31.14", "v1.31.14"), ("v1.31.14", "v1.32.13"), ("v1.32.13", "v1.31.14")] {
        let b = bench(running, written);
        let words = command(&b, apply()).await;
        assert_eq!(words, "upgrade apply v1.32.13 --yes --skip-phases=addon", "{running} {written}");
        assert_eq!(command(&b, HostOp::KubeadmNode { skip: vec![], whole: false }).await, "upgrade node");
    }
}
