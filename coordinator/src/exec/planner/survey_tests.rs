//! Surveys: which agents are asked, the time limits, the concurrency, and what watchers receive.

use super::{Count, Counts, Journaled, Planner};
use crate::backup::{BackupSettings, Backups};
use crate::exec::{HeadLooks, Lines, Performer};
use crate::testing::{Fleet, name, options};
use podlift_common::clock::TokioClock;
use podlift_engine::goals::{Ask, PlanInput, Wanted};
use podlift_model::ClusterName;
use std::sync::Arc;
use std::time::Duration;

fn planner(fleet: &Arc<Fleet>) -> Planner {
    let cluster = ClusterName::new("runaicluster").unwrap();
    let clock = Arc::new(TokioClock::starting_at("2026-11-22T02:00:00Z".parse().unwrap()));
    let backup = BackupSettings { directory: fleet.backups(), ..BackupSettings::default() };
    let backups = Arc::new(Backups::new(backup, cluster.clone(), clock.clone()));
    let (agents, lines) = (fleet.clone(), Lines::default());
    Planner {
        cluster,
        performer: Performer {
            agents,
            cluster: fleet.clone(),
            lines,
            backups,
            head: None,
            head_looks: HeadLooks::default(),
        },
        clock,
        head: None,
        survey_timeout: Duration::from_secs(60),
    }
}

async fn gather(fleet: &Arc<Fleet>, counts: &Counts) -> PlanInput {
    let to = "v1.32.9".parse().unwrap();
    let ask = Ask {
        goal: Wanted::Upgrade { to },
        nodes: vec![],
        options: options(),
        waivers: vec![],
        resume_deferred: false,
        issues: vec![],
    };
    planner(fleet).gather(ask, Journaled::default(), counts).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_agent_and_the_cluster_are_surveyed_and_watchers_see_how_far() {
    let (fleet, counts) = (Fleet::new(), Counts::default());
    fleet.lock().offline.insert(name("dgx031"));
    let input = gather(&fleet, &counts).await;
    let asked: Vec<&str> = input.surveys.keys().map(|n| n.as_str()).collect();
    assert_eq!(asked, ["dgx030", "runai-01", "runai-02", "runai-03"]);
    assert!(input.surveys.values().all(|s| s.is_ok()) && input.cluster_survey.is_ok());
    let told = counts.subscribe().borrow().clone();
    let count = |what, total| Count { what, done: total, total };
    let mut expected = [
        count("facts of nodes", 4),
        count("packages on offer", 4),
        count("etcd", 3),
        count("surveys of nodes", 4),
        count("the cluster", 1),
    ];
    let mut told = told;
    told.sort_by_key(|c| c.what);
    expected.sort_by_key(|c| c.what);
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_costs_the_time_limit_and_nothing_else() {
    let fleet = Fleet::new();
    fleet.lock().silent.insert(name("dgx030"));
    let began = tokio::time::Instant::now();
    let input = gather(&fleet, &Counts::default()).await;
    let why = input.surveys[&name("dgx030")].as_ref().unwrap_err();
    assert_eq!(why, "its agent did not answer within 60 s");
    assert!(input.surveys.iter().filter(|(n, _)| n.as_str() != "dgx030").all(|(_, s)| s.is_ok()));
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(60) && waited < Duration::from_secs(61), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_large_fleet_is_asked_in_parts() {
    let fleet = Fleet::new();
    (0..600).for_each(|n| fleet.lock().add(&format!("node{n:03}"), None));
    let input = gather(&fleet, &Counts::default()).await;
    assert_eq!((input.surveys.len(), fleet.lock().most_at_once), (605, 256));
}
