//! Each repair is made to fail for good: the run pauses with a reason, and succeeds when the cause is mended.

use podlift_engine::machine::{RunState, RunStatus};
use podlift_lab::{Fault, FaultAction};
use podlift_tests::pod::{Pod, why};
use podlift_tests::robbed::{approve_all, lose_secrets, lose_service, rob, run, runbook};
use podlift_tests::{Kept, ensure, paused, press};

/// A step's verb, a part of the request that fails, and what makes the step act.
type Break = (&'static str, &'static str, fn(&Pod));

const BREAKS: &[Break] = &[
    ("restore-service", "POST /api/v1/namespaces/ingress-nginx/services", |pod| rob(pod, lose_service)),
    ("restore-secret", "POST /api/v1/namespaces/runai/secrets", |pod| rob(pod, lose_secrets)),
    ("restart-deployment", "PATCH /apis/apps/v1/namespaces/runai-backend/deployments", |pod| {
        rob(pod, lose_secrets)
    }),
    ("remove-operator", "DELETE /apis/apps/v1/namespaces/tigera-operator/deployments", |pod| {
        pod.world.install_tigera()
    }),
];

fn failed(state: &RunState) -> Vec<String> {
    state.failed_steps().map(|(step, _)| step.id.to_string()).collect()
}

async fn fails_and_resumes(verb: &str, contains: &str, prepare: fn(&Pod)) -> Kept {
    let mut pod = runbook();
    prepare(&pod);
    let action = FaultAction::Fail { code: 403, stderr: "the lab breaks this on purpose".into() };
    pod.world.add_fault(Fault::new("api", contains, action).times(1000));
    run(&mut pod).await?;
    let state = approve_all(&pod).await?;
    let RunStatus::Paused { reason } = &state.status else {
        return Err(format!("{verb} was to fail, and the run is {}", why(&state)));
    };
    let steps = failed(&state);
    ensure(steps.iter().any(|id| id.contains(verb)), || {
        format!("{verb} was to fail, and {steps:?} did: {reason:?}")
    })?;
    ensure(reason.message.len() > 20 && !reason.code.is_empty(), || format!("{verb}: {reason:?}"))?;
    pod.world.clear_faults();
    press::next(&pod, reason).await.map_err(|e| format!("{verb}: {e}"))?;
    let state = approve_all(&pod).await?;
    ensure(state.status == RunStatus::Succeeded, || format!("{verb}, mended: {}", why(&state)))
}

#[test]
fn every_repair_that_fails_pauses_the_run_and_resumes() {
    let broken = |(verb, contains, prepare): &(&str, &str, fn(&Pod))| {
        paused(fails_and_resumes(verb, contains, *prepare)).err()
    };
    let failures: Vec<String> = BREAKS.iter().filter_map(broken).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
