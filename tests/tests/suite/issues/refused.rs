//! Each issue once with a person who says no: the run pauses and explains, and goes on without the repair.

use podlift_engine::machine::RunState;
use podlift_engine::program::Item;
use podlift_tests::pod::Pod;
use podlift_tests::robbed::{
    asked, lose_secrets, lose_service, object, presented, rob, run, runbook, secrets, service, succeeds,
};
use podlift_tests::{Kept, ensure, paused, press};
use std::sync::Arc;

const REASON: &str = "we do it ourselves on Monday";

/// A run in which this item is asked for and refused.
async fn refused(pod: &mut Pod, item: Item) -> Result<Arc<RunState>, String> {
    if !item.is_always_asked() {
        pod.options.ask_items = vec![item.name().into()];
    }
    let state = run(pod).await?;
    let reason = asked(&state, item)?;
    ensure(reason.message.contains(item.name()), || format!("{reason:?}"))?;
    press::decide(pod, item, Some(REASON)).await?;
    let state = succeeds(pod).await?;
    let word = state.decision(item).ok_or("the run forgot the word")?;
    ensure(!word.approved && word.reason == REASON && word.by.ends_with("/ann"), || format!("{word:?}"))?;
    Ok(state)
}

/// The line of the sign-off is open, and says who refused and why.
fn is_open(pod: &Pod, line: &str) -> Kept {
    let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
    let open = report.checks.iter().find(|c| c.id == line && c.result != "passed");
    let says = open.is_some_and(|c| c.evidence.contains(REASON) && c.evidence.contains("ann"));
    ensure(says, || format!("line {line} should be open, with the words of the refusal: {:?}", report.checks))
}

#[test]
fn tigeras_operator_stays() {
    let result = paused(async {
        let mut pod = runbook();
        pod.world.install_tigera();
        refused(&mut pod, Item::TigeraRemoval).await?;
        ensure(pod.world.has_tigera(), || "it was removed against the word of a person".into())?;
        is_open(&pod, "calico")
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_service_stays_away() {
    let result = paused(async {
        let mut pod = runbook();
        rob(&pod, lose_service);
        refused(&mut pod, Item::ServiceRestore).await?;
        ensure(object(&pod.world, &service()).is_none(), || {
            "it was made against the word of a person".into()
        })?;
        is_open(&pod, "load-balancers")
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_secret_stays_away() {
    let result = paused(async {
        let mut pod = runbook();
        let good = presented(&pod.world);
        rob(&pod, lose_secrets);
        refused(&mut pod, Item::SecretRestore).await?;
        let there = secrets().iter().any(|key| object(&pod.world, key).is_some());
        ensure(!there && presented(&pod.world) != good, || {
            "it was made against the word of a person".into()
        })?;
        is_open(&pod, "ingress-tls")
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn the_pods_of_run_ai_stay_as_they_are() {
    let result = paused(async {
        let mut pod = runbook();
        let good = presented(&pod.world);
        rob(&pod, lose_secrets);
        refused(&mut pod, Item::RunaiRestart).await?;
        let s = pod.world.lock();
        let restarted = |v: &serde_json::Value| {
            !v["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_null()
        };
        let any = s.api.of("apps", "deployments").any(|(_, v)| restarted(v));
        drop(s);
        ensure(!any, || "a rollout was begun against the word of a person".into())?;
        ensure(presented(&pod.world) == good, || "the secret itself was not in question".into())
    });
    assert_eq!(result, Ok(()));
}

/// kubeadm writes what kubeadm-config says, and the agent's heal is what saves the API server then.
#[test]
fn the_endpoints_of_etcd_are_not_written_to_kubeadm_config() {
    let result = paused(async {
        let mut pod = runbook();
        refused(&mut pod, Item::EtcdServers).await?;
        let healed = pod.coordinator().report(None).map_err(|e| e.to_string())?.heals.len();
        ensure(healed > 0, || "nothing had to be healed: the repair was made all the same".into())
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn the_feature_gate_is_not_taken_out_of_kubeadm_config() {
    let result = paused(async {
        let mut pod = runbook();
        refused(&mut pod, Item::FeatureGates).await?;
        let config = pod.world.snapshot().kubeadm_config;
        ensure(config.contains("MaxUnavailableStatefulSet"), || {
            format!("{config} was changed against the word of a person")
        })
    });
    assert_eq!(result, Ok(()));
}
