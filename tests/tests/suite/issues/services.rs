//! LoadBalancer services that go in the middle of a run.

use super::reported;
use podlift_coordinator::Command;
use podlift_engine::issues::IssueName;
use podlift_engine::machine::{Event, RunStatus};
use podlift_engine::program::DIFFERENCES;
use podlift_lab::World;
use podlift_lab::world::{Trace, balancers};
use podlift_tests::pod::why;
use podlift_tests::robbed::{object, rob, run, runbook, service, succeeds, uid};
use podlift_tests::{ensure, paused, press};
use serde_json::{Value, json};

/// Who deletes it, by its managed fields.
const THIEF: &str = "cm-kubernetes-setup";

fn lose(world: &World) {
    world.lose(&service(), &Trace { by: Some(THIEF.into()), event: true });
}

fn addresses(world: &World) -> Vec<String> {
    let v = object(world, &service()).unwrap_or_default();
    balancers::addresses(&v).map(String::from).collect()
}

#[test]
fn a_service_that_goes_is_back_with_its_addresses_and_ports_and_its_last_writer_is_named() {
    let result = paused(async {
        let mut pod = runbook();
        let (before, was) = (object(&pod.world, &service()).unwrap(), addresses(&pod.world));
        rob(&pod, lose);
        run(&mut pod).await?;
        succeeds(&pod).await?;
        let after = object(&pod.world, &service()).ok_or("the service is not back")?;
        ensure(after["metadata"]["uid"] != before["metadata"]["uid"], || "nothing was taken away".into())?;
        ensure(addresses(&pod.world) == was, || format!("{was:?} became {:?}", addresses(&pod.world)))?;
        for field in ["clusterIP", "clusterIPs", "ports", "selector", "type"] {
            let (a, b) = (&before["spec"][field], &after["spec"][field]);
            ensure(a == b, || format!("{field}: {a} became {b}"))?;
        }
        let name = "service ingress-nginx/ingress-nginx-controller";
        let records = pod.journal.records();
        let by = records.iter().find_map(|r| match &r.event {
            Event::ObjectLost { object, by, .. } if object == name => by.clone(),
            _ => None,
        });
        ensure(by.as_ref().is_some_and(|by| by.name == THIEF), || format!("the deleter is {by:?}"))?;
        reported(&pod, IssueName::LoadBalancers, name)
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn without_a_pool_the_run_stops_and_goes_on_when_the_pool_is_back() {
    let result = paused(async {
        let mut pod = runbook();
        rob(&pod, |world| {
            world.update(|s| balancers::set_pool(s, None));
            lose(world);
        });
        let state = run(&mut pod).await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        let address = pod.world.shape.ingress_address();
        ensure(text.contains("ingress-nginx/ingress-nginx-controller") && text.contains(&address), || text)?;
        pod.world.update(|s| balancers::set_pool(s, Some("10.77.0".into())));
        press::next(&pod, reason).await?;
        succeeds(&pod).await?;
        ensure(addresses(&pod.world) == [address], || format!("{:?}", addresses(&pod.world)))
    });
    assert_eq!(result, Ok(()));
}

/// Another person is faster, and gets another address.
fn make_anew(world: &World) {
    let now = world.clock.now();
    world.update(|s| {
        let mut v = s.api.get(&service()).cloned().unwrap_or_default();
        s.api.delete(&service());
        v["metadata"]["uid"] = json!("made-by-hand");
        v["metadata"]["creationTimestamp"] = json!(now.to_string());
        v["metadata"]["annotations"] = json!({});
        v["spec"]["clusterIP"] = json!("10.96.200.1");
        v["spec"]["clusterIPs"] = json!(["10.96.200.1"]);
        v["status"] = json!({"loadBalancer": {}});
        s.api.put(service(), v);
    });
}

#[test]
fn a_service_that_a_person_made_anew_is_never_replaced_and_both_ways_are_named() {
    let result = paused(async {
        let mut pod = runbook();
        rob(&pod, make_anew);
        let state = run(&mut pod).await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        let (old, new) = (pod.world.shape.ingress_address(), addresses(&pod.world));
        ensure(reason.code == "made-anew", || format!("{reason:?}"))?;
        let words = [
            old.as_str(),
            new.first().map_or("", String::as_str),
            "podlift attest differences-accepted",
            "kubectl -n ingress-nginx delete service",
        ];
        let missing = words.iter().find(|w| w.is_empty() || !text.contains(*w));
        ensure(missing.is_none(), || format!("{missing:?} is not in {text:?}"))?;
        // The person keeps the new one.
        for _ in 0..3 {
            let attest =
                Command::Attest { name: DIFFERENCES.into(), note: "the new address is meant".into() };
            pod.say(attest).await.map_err(|e| e.to_string())?;
            pod.say(Command::Retry { step: None, repair_dpkg: false }).await.map_err(|e| e.to_string())?;
            let state = pod.rest().await.ok_or("the run never rested")?;
            if state.status == RunStatus::Succeeded {
                let same = uid(&pod.world, &service()).as_deref() == Some("made-by-hand");
                return ensure(same && addresses(&pod.world) == new, || {
                    "the person's service was replaced".into()
                });
            }
        }
        Err("the run goes on with no word".into())
    });
    assert_eq!(result, Ok(()));
}

/// What the copy asks for belongs to another service now: nothing of that other service is touched.
#[test]
fn a_node_port_that_another_service_took_meanwhile_stops_the_run() {
    let result = paused(async {
        let mut pod = runbook();
        let thief = podlift_lab::objects::Key::new("", "services", "default", "thief");
        let (key, mut other) = (thief.clone(), object(&pod.world, &service()).unwrap());
        other["metadata"] = json!({"name": "thief", "namespace": "default", "uid": "thief"});
        other["spec"]["type"] = json!("NodePort");
        other["spec"]["clusterIP"] = json!("10.96.200.2");
        other["spec"]["clusterIPs"] = json!(["10.96.200.2"]);
        other["status"] = json!({"loadBalancer": {}});
        rob(&pod, move |world| {
            lose(world);
            world.update(|s| s.api.put(key.clone(), other.clone()));
        });
        let state = run(&mut pod).await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        ensure(text.contains("provided port is already allocated"), || format!("{reason:?}"))?;
        pod.world.update(|s| s.api.delete(&thief));
        // Where the printed command is no command of podlift, a plain retry is what a person types after it.
        drop(press::next(&pod, reason).await);
        pod.say(Command::Retry { step: None, repair_dpkg: false }).await.ok();
        succeeds(&pod).await?;
        let port = &object(&pod.world, &service()).unwrap_or(Value::Null)["spec"]["ports"][0]["nodePort"];
        ensure(*port == 31443, || format!("{port}"))
    });
    assert_eq!(result, Ok(()));
}
