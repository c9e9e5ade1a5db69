//! Over two minors the control plane goes twice, and with upstream's skew the workers follow once.

use podlift_coordinator::PlanAsk;
use podlift_engine::machine::RunStatus;
use podlift_engine::program::Skew;
use podlift_lab::What;
use podlift_model::KubeVersion;
use podlift_tests::cut::Cut;
use podlift_tests::pod::{TO, why};
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{Kept, ensure, paused};
use serde_json::json;

const NEXT: KubeVersion = KubeVersion::new(1, 33, 5);
const ANN: &str = "spiffe://podlift/c/operator/ann";
const WORKERS: usize = 2;

fn kubelets(rollout: &Rollout, want: [&str; 2]) -> Kept {
    let nodes = rollout.world().snapshot().nodes;
    let of = |node: &str| nodes[node].kubelet.clone().unwrap_or_default();
    let seen = [of("runai-01"), of(&worker(0)), of(&worker(1))];
    let [plane, workers] = want;
    ensure(seen == [plane, workers, workers], || format!("the kubelets are {seen:?}, expected {want:?}"))
}

async fn run(rollout: &Rollout, ask: &PlanAsk) -> Kept {
    rollout.pod.ready().await.map_err(|e| e.to_string())?;
    rollout.pod.coordinator().start_run(ask, None, ANN).await.map_err(|e| e.to_string())?;
    let state = rollout.pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    rollout.left_nothing()
}

fn with_skew(rollout: &mut Rollout, skew: Skew) {
    rollout.pod.kill_coordinator();
    rollout.pod.options.skew = skew;
    rollout.pod.start_coordinator(Cut::never());
}

#[test]
fn two_minors_of_the_control_plane_and_one_pass_of_the_workers() {
    let result = paused(async {
        let mut rollout = Rollout::new(WORKERS, json!({"max-unavailable": "1"}));
        rollout.pod.options.skew = Skew::Upstream;
        rollout.start(|_| {});
        let without = (0..WORKERS).map(worker).collect();
        run(&rollout, &PlanAsk { without, ..PlanAsk::to(TO) }).await?;
        kubelets(&rollout, ["v1.32.9", "v1.31.9"])?;
        with_skew(&mut rollout, Skew::Adjacent);
        rollout.pod.ready().await.map_err(|e| e.to_string())?;
        let ask = PlanAsk::to(NEXT);
        let refused = rollout.pod.coordinator().start_run(&ask, None, ANN).await.err();
        let refused = refused.map(|e| format!("{e} {e:?}")).unwrap_or_default();
        ensure(refused.contains("adjacent"), || format!("with two adjacent minors only: {refused:?}"))?;
        with_skew(&mut rollout, Skew::Upstream);
        run(&rollout, &ask).await?;
        kubelets(&rollout, ["v1.33.5", "v1.33.5"])?;
        let effects = rollout.world().effects();
        for node in (0..WORKERS).map(worker) {
            let count =
                |is: &dyn Fn(&What) -> bool| effects.iter().filter(|e| e.node == node && is(&e.what)).count();
            let cordons = count(&|w| matches!(w, What::Cordon { .. }));
            let packages = count(&|w| matches!(w, What::PackageInstall { .. }));
            let restarts = count(&|w| matches!(w, What::KubeletRestart { .. }));
            ensure((cordons, packages, restarts) == (1, 3, 1), || {
                format!(
                    "{node}: {cordons} cordons, {packages} packages, {restarts} restarts; expected one pass"
                )
            })?;
        }
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
