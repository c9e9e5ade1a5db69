//! The scrape of a coordinator during a run, and that a second coordinator on the same journal counts the same.
#![allow(clippy::disallowed_methods)] // an archive is carried away by hand

use super::{Metered, Metrics};
use crate::core::{Command, Settings};
use crate::journal::archive::Archives;
use crate::journal::{Journal as _, MemoryJournal, Query};
use crate::meters::Meters;
use crate::testing::{Fleet, assemble, name, start, store};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_engine::machine::Event;
use podlift_engine::program::StopReason;
use podlift_model::RunId;
use std::sync::Arc;

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|l| l == line), "no line {line:?} in\n{page}");
}

/// The value of one line without its name and labels.
fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find(|l| l.rsplit_once(' ').is_some_and(|(n, _)| n == name));
    line.and_then(|l| l.rsplit_once(' '))
        .and_then(|(_, v)| v.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in\n{page}"))
}

#[tokio::test(start_paused = true)]
async fn a_run_from_its_start_to_its_end() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let metrics = Metrics::new(&running.coordinator, None);
    running.commanding().await;
    let before = metrics.page().unwrap();
    has(&before, "podlift_runs{status=\"running\"} 0.0");
    has(&before, "podlift_read_only 0.0");
    has(&before, "podlift_epoch 1.0");
    assert!(!before.contains("podlift_run_open{"), "{before}");
    let run = running.upgrade().await;
    running.until(&run, |s| s.steps.values().any(|x| x.is_over())).await;
    let during = metrics.page().unwrap();
    has(&during, "podlift_run_open{from=\"v1.31.9\",to=\"v1.32.9\"} 1.0");
    has(&during, "podlift_runs{status=\"running\"} 1.0");
    has(&during, "podlift_api_endpoint_up{endpoint=\"vip\"} 1.0");
    let state = running.until(&run, |s| s.is_over()).await;
    let after = metrics.page().unwrap();
    has(&after, "podlift_runs{status=\"succeeded\"} 1.0");
    assert!(!after.contains("podlift_run_steps{"), "{after}");
    assert_eq!(value(&after, "podlift_journal_records") as u64, running.coordinator.store().head());
    assert_eq!(value(&after, "podlift_plan_duration_seconds_count") as u64, 1);
    let ended = journal.records().iter().filter(|r| matches!(r.event, Event::OpEnded { .. })).count();
    let ops: f64 = ["done", "failed", "indeterminate"]
        .iter()
        .map(|o| value(&after, &format!("podlift_ops_total{{outcome=\"{o}\"}}")))
        .sum();
    assert_eq!((ops as usize, ended > 0), (ended, true));
    let acted = state
        .plan
        .steps()
        .filter(|s| s.kind.step().verb() == "apt-update" && state.steps[&s.id].attempts > 0)
        .count();
    assert_eq!(value(&after, "podlift_step_duration_seconds_count{step=\"apt-update\"}") as usize, acted);
    // No label contains a value that grows with runs, steps or nodes.
    for growing in [run.as_str(), "dgx030", "-s00"] {
        assert!(!after.contains(growing) && !during.contains(growing), "{growing} is in a label");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_a_heal_an_outage_and_a_restart() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let run = running.upgrade().await;
    let pause = crate::core::Command::Pause { reason: String::new(), now: false };
    running.coordinator.command(None, pause, "eve").await.unwrap();
    append_observations(&running, &run);
    let metrics = Metrics::new(&running.coordinator, None);
    let page = metrics.page().unwrap();
    for line in [
        "podlift_runs{status=\"paused\"} 1.0",
        "podlift_pauses_total{by=\"operator\"} 1",
        "podlift_heals_total{rule=\"etcd-servers-empty\"} 1",
        "podlift_api_outage_seconds_total{endpoint=\"vip\"} 2.5",
        "podlift_api_endpoint_up{endpoint=\"vip\"} 0.0",
        "podlift_ledgers_changed_total 1",
        "podlift_run_agents_missing 0.0",
    ] {
        has(&page, line);
    }
    assert!(value(&page, "podlift_last_heal_timestamp_seconds") > 1.7e9);
    // Two scrapes count the heal once, and so does a later coordinator.
    has(&metrics.page().unwrap(), "podlift_heals_total{rule=\"etcd-servers-empty\"} 1");
    let next = assemble(&fleet, store(&journal), "two", crate::core::Settings::default());
    let again = Metrics::new(&next, None).page().unwrap();
    for family in [
        "podlift_ops_total",
        "podlift_heals_total",
        "podlift_pauses_total",
        "podlift_step_duration_seconds_count",
    ] {
        let lines = |page: &str| {
            let mut lines: Vec<_> =
                page.lines().filter(|l| l.starts_with(family)).map(String::from).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&page), lines(&again), "{family}");
    }
    has(&again, "podlift_read_only 1.0");
}

fn append_observations(running: &crate::testing::Running, run: &RunId) {
    let store = running.coordinator.store();
    let heal = podlift_model::heal::HealEvent {
        id: "h1".into(),
        node: name("runai-01"),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: store.newest().unwrap().started,
        latency_us: 300,
        before: podlift_model::Digest::of("a"),
        after: podlift_model::Digest::of("b"),
        diff: String::new(),
    };
    let vip = || "vip".to_string();
    for event in [
        Event::Healed { heal },
        Event::ApiDown { endpoint: vip(), why: "x".into() },
        Event::ApiUp { endpoint: vip(), milliseconds: 2500 },
        Event::ApiDown { endpoint: vip(), why: "y".into() },
        Event::LedgerChanged {
            node: name("runai-01"),
            before: "l1".parse().unwrap(),
            now: "l2".parse().unwrap(),
        },
    ] {
        store.append(Some(run), event).unwrap();
    }
}

fn aborted(store: &crate::store::Store, run: &str) {
    let plan = Box::new(podlift_engine::goals::upgrade::build(&podlift_engine::testing::input()).unwrap());
    let text = String::new;
    let reason = StopReason {
        code: "operator".into(),
        message: text(),
        detail: text(),
        undone: text(),
        next: "podlift resume".into(),
    };
    for event in [
        Event::RunStarted { plan, by: "eve".into() },
        Event::RunPaused { reason, by: Some("eve".into()), now: false },
        Event::AbortAsked { by: "eve".into(), reason: text() },
        Event::RunAborted { undone: vec![], left: vec![] },
    ] {
        store.append(Some(&run.parse().unwrap()), event).unwrap();
    }
}

#[tokio::test]
async fn counters_hold_after_an_archive_and_a_restart() {
    let (fleet, journal, dir) = (Fleet::new(), MemoryJournal::new(), tempfile::tempdir().unwrap());
    let archives = Some(Archives { dir: dir.path().join("archive") });
    let settings = Settings { archives, ..Settings::default() };
    let one = assemble(&fleet, store(&journal), "one", settings.clone());
    ["r1", "r2", "r3"].iter().for_each(|run| aborted(one.store(), run));
    let before = Metrics::new(&one, None);
    let line = "podlift_pauses_total{by=\"operator\"} 3";
    has(&before.page().unwrap(), line);
    let archive = Command::Archive { before: SystemClock.now() + jiff::SignedDuration::from_hours(24) };
    let said = one.command(None, archive, "eve").await.unwrap();
    assert!(said.contains("of r1, r2 in "), "{said}");
    has(&before.page().unwrap(), line);
    let two = assemble(&fleet, store(&journal), "two", settings);
    has(&Metrics::new(&two, None).page().unwrap(), line);
    // An archive that was carried away is not counted, and the other counters are still there.
    std::fs::remove_dir_all(dir.path()).unwrap();
    has(&Metrics::new(&two, None).page().unwrap(), "podlift_pauses_total{by=\"operator\"} 1");
}

#[test]
fn appends_are_timed_and_passed_on() {
    let (journal, meters) = (MemoryJournal::new(), Arc::new(Meters::default()));
    let mut metered = Metered::new(journal.clone(), &meters);
    let adopted = || Event::RunsAdopted { runs: vec![], by: "eve".into() };
    let record = metered.append(0, SystemClock.now(), None, None, adopted()).unwrap();
    assert!(metered.append(0, SystemClock.now(), None, None, adopted()).is_err(), "a conflict stays one");
    let rows = metered.reader().page(&Query::from(0)).unwrap();
    assert_eq!((metered.head(), rows.len(), rows[0].record().unwrap()), (1, 1, record));
    let mut registry = prometheus_client::registry::Registry::default();
    meters.register(&mut registry);
    has(&podlift_common::metrics::encode(&registry).unwrap(), "journal_append_seconds_count 2");
}
