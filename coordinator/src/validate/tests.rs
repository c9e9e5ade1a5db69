//! A validation of the small fleet: what it can't see is open, and what is seen is judged.

use super::*;
use crate::core::Settings;
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, assemble, options, store};
use podlift_engine::validate::Outcome;

fn ask(only: &[&str], without_probes: bool) -> ValidateAsk {
    ValidateAsk { only: only.iter().map(|id| id.to_string()).collect(), without_probes }
}

fn quiet() -> Progress {
    Arc::new(drop)
}

#[tokio::test(start_paused = true)]
async fn while_the_api_is_away_no_check_passes_and_each_says_what_is_next() {
    let fleet = Fleet::new();
    fleet.lock().api_down = true;
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(&fleet, store(&MemoryJournal::default()), "one", settings);
    let seen = coordinator.validate(&ask(&[], true), &quiet()).await.unwrap();
    for id in ["node-versions", "dns", "calico", "addresses", "pods", "events", "storage", "webhooks"] {
        let check = seen.checks.iter().find(|c| c.id == id).unwrap();
        assert_eq!(check.result, Outcome::Open, "{id}: {:?}", check.evidence);
        assert!(!check.next.is_empty() && !check.evidence.is_empty(), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_check_is_refused_with_the_known_ones_and_only_the_named_ones_are_made() {
    let fleet = Fleet::new();
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(&fleet, store(&MemoryJournal::default()), "one", settings);
    let error = coordinator.validate(&ask(&["dnss"], true), &quiet()).await.unwrap_err();
    assert!(error.to_string().contains("\"dnss\"") && error.to_string().contains("node-versions"), "{error}");
    let seen = coordinator.validate(&ask(&["node-versions"], true), &quiet()).await.unwrap();
    let ids: Vec<&str> = seen.checks.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["node-versions"]);
    assert_eq!(seen.checks[0].result, Outcome::Passed, "{:?}", seen.checks[0].evidence);
}
