//! Lost services and secrets, against the small fleet: what is journaled in which order, and what is never touched.

use super::*;
use crate::core::{Command, Settings};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, assemble, options, records, secret, store};
use podlift_engine::machine::RunStatus;
use podlift_engine::program::PlanOptions;
use podlift_model::RunId;
use podlift_model::survey::Seen;
use serde_json::json;

const INGRESS: (&str, &str) = ("ingress", "nginx");

fn settings(mode: Mode) -> Settings {
    let sentinel =
        SentinelSettings { mode, interval: Duration::from_secs(1_000_000), ..SentinelSettings::default() };
    Settings { options: options(), sentinel, ..Settings::default() }
}

/// A coordinator after a run that succeeded.
async fn after_a_run(fleet: &Arc<Fleet>, journal: &MemoryJournal, settings: Settings) -> (Running, RunId) {
    let running = Running::of(assemble(fleet, store(journal), "one", settings));
    let run = running.upgrade().await;
    running.until(&run, |s| matches!(s.status, RunStatus::Succeeded)).await;
    (running, run)
}

/// Whether the row is about a lost object. The agents of the fleet have no clock, so that the sentinel takes them as silent.
fn is_of_issue(key: &str) -> bool {
    key.starts_with("load-balancers/") || key.starts_with("ingress-tls/")
}

/// The sentinel's events about lost objects from a record on.
fn events(running: &Running, from: u64) -> Vec<Event> {
    let mine = |event: &Event| match event {
        Event::ObjectLost { .. } | Event::MendStarted { .. } | Event::MendEnded { .. } => true,
        Event::SentinelSaw { key, .. } | Event::SentinelCleared { key, .. } => is_of_issue(key),
        _ => false,
    };
    records(running.coordinator.store(), from).into_iter().map(|r| r.event).filter(mine).collect()
}

/// The rows about lost objects.
fn rows(running: &Running) -> Vec<podlift_engine::view::SentinelRow> {
    running.coordinator.sentinel().seen.into_iter().filter(|row| is_of_issue(&row.key)).collect()
}

/// Waits for an event of this name from a record on.
async fn until(running: &Running, from: u64, name: &str) -> Vec<Event> {
    let mut journal = running.coordinator.store().subscribe();
    let wait = async {
        loop {
            let seen = events(running, from);
            if seen.iter().any(|event| event.name() == name) {
                return seen;
            }
            journal.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(600), wait).await.expect(name)
}

/// Waits until the sentinel has begun to follow the objects of the record.
async fn following(running: &Running) {
    let wait = async {
        while running.coordinator.sentinel().since.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    tokio::time::timeout(Duration::from_secs(600), wait).await.expect("it watches");
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

fn ended(events: &[Event]) -> (&Seen<String>, u64) {
    let found = events.iter().find_map(|event| match event {
        Event::MendEnded { result, milliseconds, .. } => Some((result, *milliseconds)),
        _ => None,
    });
    found.expect("a repair has ended")
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_is_there_again_within_two_seconds_and_journaled_in_order() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
    following(&running).await;
    let from = running.coordinator.store().head() + 1;
    fleet.lock().net.delete("services", INGRESS.0, INGRESS.1);
    let seen = until(&running, from, "mend-ended").await;
    assert_eq!(names(&seen), ["object-lost", "mend-started", "mend-ended"]);
    let (result, milliseconds) = ended(&seen);
    assert!(
        result.as_ref().unwrap().contains("10.77.0.90") && milliseconds < 2000,
        "{result:?} {milliseconds}"
    );
    let net = &fleet.lock().net;
    let again = net.get("services", INGRESS.0, INGRESS.1).unwrap();
    assert_eq!(again["spec"]["clusterIP"], "10.96.3.4");
    assert_eq!(again["spec"]["ports"][0]["nodePort"], 30_443);
    assert_eq!(again["metadata"].get("uid"), None);
    let Event::ObjectLost { by, .. } = &seen[0] else { panic!("{seen:?}") };
    assert_eq!(by.as_ref().unwrap().name, "helm");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_made_anew_in_the_meantime_is_not_touched() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
    following(&running).await;
    let from = running.coordinator.store().head() + 1;
    let anew = {
        let mut s = fleet.lock();
        let mut anew = s.net.get("services", INGRESS.0, INGRESS.1).unwrap().clone();
        (anew["metadata"]["uid"], anew["spec"]["selector"]) = (json!("u9"), json!({"app": "other"}));
        s.net.delete("services", INGRESS.0, INGRESS.1);
        s.net.put(anew.clone());
        anew
    };
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(fleet.lock().net.get("services", INGRESS.0, INGRESS.1), Some(&anew));
    assert_eq!(fleet.lock().net.created, Vec::<String>::new());
    assert!(rows(&running).is_empty(), "{:?}", events(&running, from));
}

#[tokio::test(start_paused = true)]
async fn in_report_mode_nothing_is_created_and_the_next_command_is_named_once() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Report)).await;
    following(&running).await;
    let from = running.coordinator.store().head() + 1;
    fleet.lock().net.delete("services", INGRESS.0, INGRESS.1);
    until(&running, from, "sentinel-saw").await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(names(&events(&running, from)), ["object-lost", "sentinel-saw"]);
    let row = rows(&running).remove(0);
    assert_eq!(row.key, "load-balancers/service ingress/nginx");
    assert_eq!(row.next, "podlift repair --issue load-balancers");
    assert!(fleet.lock().net.created.is_empty());
    // A person makes it anew.
    let service = secretless();
    fleet.lock().net.put(service);
    until(&running, from, "sentinel-cleared").await;
    assert!(rows(&running).is_empty());
}

fn secretless() -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": INGRESS.0, "name": INGRESS.1}, "spec": {"type": "LoadBalancer"}})
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_gone_and_another_address_are_failures_that_say_so() {
    for (gives, want) in [
        (
            None,
            "has not given it address 10.77.0.90 within 30 s: AllocationFailed: no available IPs in pool dgx",
        ),
        (
            Some("10.77.0.91".to_string()),
            "it was created again with address 10.77.0.91, it had address 10.77.0.90",
        ),
    ] {
        let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
        let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
        following(&running).await;
        let from = running.coordinator.store().head() + 1;
        {
            let mut s = fleet.lock();
            s.net.gives = Some(gives);
            s.net.said = Some("AllocationFailed: no available IPs in pool dgx".into());
            s.net.delete("services", INGRESS.0, INGRESS.1);
        }
        let seen = until(&running, from, "mend-ended").await;
        let why = ended(&seen).0.clone().unwrap_err();
        assert!(why.contains(want), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_secret_comes_back_from_memory_and_one_made_anew_is_never_overwritten() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    fleet.lock().net.put(secret("ingress", "star"));
    let mut with = settings(Mode::Repair);
    with.backup.default_certificate = "ingress/star".to_string().try_into().ok();
    let (running, _) = after_a_run(&fleet, &journal, with).await;
    following(&running).await;
    let from = running.coordinator.store().head() + 1;
    fleet.lock().net.delete("secrets", "ingress", "star");
    let seen = until(&running, from, "mend-ended").await;
    assert_eq!(names(&seen), ["object-lost", "mend-started", "mend-ended"]);
    let (result, milliseconds) = ended(&seen);
    assert!(result.is_ok() && milliseconds < 3000, "{result:?}");
    let text: String = records(running.coordinator.store(), from)
        .iter()
        .map(|r| serde_json::to_string(r).unwrap())
        .collect();
    assert!(!text.contains("c2VjcmV0LWtleQ"), "no record has a byte of the secret");
    let from = running.coordinator.store().head() + 1;
    let anew = {
        let mut anew = secret("ingress", "star");
        anew["data"]["tls.crt"] = json!("bmV3");
        let mut s = fleet.lock();
        s.net.delete("secrets", "ingress", "star");
        s.net.put(anew.clone());
        anew
    };
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(
        fleet.lock().net.get("secrets", "ingress", "star"),
        Some(&anew),
        "{:?}",
        events(&running, from)
    );
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_died_in_a_repair_is_followed_by_one_that_looks() {
    for given in [Some("10.77.0.90"), Some("10.77.0.91"), None] {
        let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
        {
            let mut s = fleet.lock();
            let copy = s.net.get("services", INGRESS.0, INGRESS.1).unwrap().clone();
            s.objects.lists.get_mut("/api/v1/services").unwrap().push(copy);
        }
        let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
        following(&running).await;
        let from = running.coordinator.store().head() + 1;
        let mut copy = fleet.lock().net.get("services", INGRESS.0, INGRESS.1).unwrap().clone();
        {
            let mut s = fleet.lock();
            s.net.hanging = true;
            s.net.delete("services", INGRESS.0, INGRESS.1);
        }
        until(&running, from, "mend-started").await;
        drop(running);
        {
            let mut s = fleet.lock();
            s.net.hanging = false;
            if let Some(ip) = given {
                copy["status"]["loadBalancer"]["ingress"] = json!([{"ip": ip}]);
                s.net.put(copy);
            }
        }
        let running = Running::of(assemble(&fleet, store(&journal), "two", settings(Mode::Repair)));
        let seen = until(&running, from, "mend-ended").await;
        let result = ended(&seen).0;
        assert_eq!(result.is_ok(), given == Some("10.77.0.90"), "{result:?}");
        if given == Some("10.77.0.91") {
            let why = result.as_ref().unwrap_err();
            assert!(why.contains("with address 10.77.0.91, it had address 10.77.0.90"), "{why}");
        }
        if given.is_none() {
            let wait = async {
                while fleet.lock().net.get("services", INGRESS.0, INGRESS.1).is_none() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(600), wait)
                .await
                .expect("it is made again from the sealed set");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_run_that_asks_before_waits_for_the_word() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let mut with = settings(Mode::Off);
    with.options = PlanOptions { ask_items: vec!["service-restore".into()], ..options() };
    let running = Running::of(assemble(&fleet, store(&journal), "one", with));
    let run = running.upgrade().await;
    running.until(&run, |s| s.seal.is_some()).await;
    following(&running).await;
    running
        .coordinator
        .command(None, Command::Pause { reason: String::new(), now: true }, "eve")
        .await
        .unwrap();
    let from = running.coordinator.store().head() + 1;
    fleet.lock().net.delete("services", INGRESS.0, INGRESS.1);
    let seen = until(&running, from, "sentinel-saw").await;
    assert_eq!(names(&seen), ["object-lost", "sentinel-saw"]);
    assert!(rows(&running)[0].next.starts_with("podlift approve service-restore"));
    let item = podlift_engine::program::Item::ServiceRestore;
    running.coordinator.command(None, Command::Item { item, refused: None }, "eve").await.unwrap();
    let seen = until(&running, from, "mend-ended").await;
    assert!(ended(&seen).0.is_ok(), "{seen:?}");
    let state = running.coordinator.store().run(&run).unwrap();
    assert_eq!(state.lost_objects.len(), 1, "the run's record has it");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_asked_for_again_and_a_new_secret_is_followed() {
    const INGRESSES: &str = "/apis/networking.k8s.io/v1/ingresses";
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let mut with = settings(Mode::Repair);
    with.sentinel.interval = Duration::from_secs(600);
    let (running, _) = after_a_run(&fleet, &journal, with).await;
    following(&running).await;
    {
        let mut s = fleet.lock();
        s.objects.forbidden.push(INGRESSES.into());
        let ingress = json!({"metadata": {"namespace": "runai", "name": "new"}, "spec": {"tls": [{"secretName": "new-tls"}]}});
        s.objects.lists.get_mut(INGRESSES).unwrap().push(ingress);
        s.net.put(secret("runai", "new-tls"));
    }
    tokio::time::sleep(Duration::from_secs(700)).await;
    fleet.lock().objects.forbidden.clear();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let from = running.coordinator.store().head() + 1;
    fleet.lock().net.delete("secrets", "runai", "new-tls");
    let seen = until(&running, from, "mend-ended").await;
    assert!(ended(&seen).0.is_ok(), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_brings_nothing_is_a_row_until_it_brings_a_change() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Report)).await;
    drop(running);
    fleet.lock().api_down = true;
    let running = Running::of(assemble(&fleet, store(&journal), "two", settings(Mode::Report)));
    let row = || running.coordinator.sentinel().seen.into_iter().find(|row| row.key == "watch/services");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(row(), None, "an API server restarts as long");
    tokio::time::sleep(Duration::from_secs(170)).await;
    let seen = row().unwrap();
    assert!(seen.what.starts_with("the sentinel can't follow services: the API server"), "{}", seen.what);
    assert_eq!(seen.next, "podlift validate");
    fleet.lock().api_down = false;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(row(), None);
}

#[tokio::test(start_paused = true)]
async fn repairs_that_created_nothing_do_not_use_up_those_of_an_hour() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
    following(&running).await;
    let from = running.coordinator.store().head() + 1;
    {
        let mut s = fleet.lock();
        s.net.failing = vec![podlift_model::Failure::permanent("api-refused", "no answer"); 5];
        s.net.delete("services", INGRESS.0, INGRESS.1);
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    let of = |name: &str| events(&running, from).iter().filter(|event| event.name() == name).count();
    assert_eq!((of("mend-started"), of("mend-ended")), (6, 6));
    assert!(fleet.lock().net.get("services", INGRESS.0, INGRESS.1).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_lost_again_at_once_is_back_at_once() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
    following(&running).await;
    for _ in 0..3 {
        fleet.lock().net.delete("services", INGRESS.0, INGRESS.1);
        let begin = tokio::time::Instant::now();
        while fleet.lock().net.get("services", INGRESS.0, INGRESS.1).is_none() {
            assert!(begin.elapsed() < Duration::from_secs(10), "it is still gone");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_repair_of_an_object_runs_at_a_time() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::default());
    let (running, _) = after_a_run(&fleet, &journal, settings(Mode::Repair)).await;
    following(&running).await;
    let from = running.coordinator.store().head() + 1;
    {
        let mut s = fleet.lock();
        s.net.hanging = true;
        s.net.delete("services", INGRESS.0, INGRESS.1);
    }
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(names(&events(&running, from)), ["object-lost", "mend-started"]);
}
