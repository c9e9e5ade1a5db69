//! TLS secrets that go in the middle of a run.

use super::reported;
use podlift_coordinator::Command;
use podlift_engine::issues::IssueName;
use podlift_engine::machine::RunStatus;
use podlift_engine::program::{APPROVAL, DIFFERENCES};
use podlift_lab::World;
use podlift_lab::world::Trace;
use podlift_lab::world::site::DOMAIN;
use podlift_lab::world::site::runbook::RUNAI;
use podlift_tests::pod::why;
use podlift_tests::robbed::{approve_all, object, presented, rob, run, runbook, secrets, succeeds, uid};
use podlift_tests::{ensure, paused};
use std::collections::BTreeSet;

fn lose(world: &World) {
    for key in secrets() {
        world.lose(&key, &Trace { by: Some("cmd".into()), event: false });
    }
}

/// Uids of the pods of Run:ai's own workloads.
fn runai_pods(world: &World) -> BTreeSet<String> {
    let s = world.lock();
    let of = |(namespace, name): &(&str, &str)| {
        let mine = s.api.pods_in(namespace).filter(|(k, _)| k.name.starts_with(name));
        mine.map(|(_, v)| v["metadata"]["uid"].to_string()).collect::<Vec<_>>()
    };
    RUNAI.iter().flat_map(of).collect()
}

#[test]
fn a_tls_secret_that_goes_is_restored_from_memory_and_served_and_run_ai_reads_it_again() {
    let result = paused(async {
        let mut pod = runbook();
        let (good, pods) = (presented(&pod.world), runai_pods(&pod.world));
        ensure(!good.is_empty() && pods.len() == RUNAI.len(), || {
            "the ingress serves nothing at the beginning".into()
        })?;
        let before =
            secrets().map(|key| (uid(&pod.world, &key), object(&pod.world, &key).map(|v| v["data"].clone())));
        rob(&pod, lose);
        run(&mut pod).await?;
        succeeds(&pod).await?;
        ensure(presented(&pod.world) == good, || "the wire shows another certificate".into())?;
        for (key, (old, data)) in secrets().iter().zip(before) {
            let now = object(&pod.world, key).map(|v| v["data"].clone());
            ensure(now == data && uid(&pod.world, key) != old, || format!("{key:?} is not as it was"))?;
        }
        let restarted = runai_pods(&pod.world).is_disjoint(&pods);
        ensure(restarted, || "pods of Run:ai still have the certificate from before".into())?;
        let whole = serde_json::to_string(&pod.journal.records()).map_err(|e| e.to_string())?;
        let key =
            object(&pod.world, &secrets()[0]).and_then(|v| v["data"]["tls.key"].as_str().map(String::from));
        ensure(key.is_some_and(|key| !whole.contains(&key)), || "a private key is in the journal".into())?;
        reported(&pod, IssueName::IngressTls, "secret runai/runai-backend-tls")
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_secret_that_a_person_made_anew_is_never_overwritten_and_stands_as_a_choice() {
    let result = paused(async {
        let mut pod = runbook();
        let (good, key) = (presented(&pod.world), secrets()[0].clone());
        rob(&pod, |world| {
            let key = &secrets()[0];
            world.lose(key, &Trace::default());
            world.new_tls_secret(&key.namespace, &key.name, &format!("*.{DOMAIN}"), 90);
        });
        let mut state = run(&mut pod).await?;
        let by_hand = object(&pod.world, &key).map(|v| v["data"].clone());
        let mut said = String::new();
        for _ in 0..5 {
            let RunStatus::Paused { reason } = &state.status else { break };
            said.push_str(&format!("{} {} {}", reason.message, reason.detail, reason.next));
            if reason.code == APPROVAL {
                // Run:ai's pods still have the lost one.
                state = approve_all(&pod).await?;
                continue;
            }
            let attest =
                Command::Attest { name: DIFFERENCES.into(), note: "the new certificate is meant".into() };
            pod.say(attest).await.map_err(|e| e.to_string())?;
            pod.say(Command::Retry { step: None, repair_dpkg: false }).await.map_err(|e| e.to_string())?;
            state = pod.rest().await.ok_or("the run never rested")?;
        }
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        ensure(said.contains(DIFFERENCES) && said.contains(&format!("runai.{DOMAIN}")), || {
            format!("no choice was shown: {said:?}")
        })?;
        let now = object(&pod.world, &key).map(|v| v["data"].clone());
        ensure(now == by_hand && presented(&pod.world) != good, || {
            "the person's secret was overwritten".into()
        })
    });
    assert_eq!(result, Ok(()));
}
