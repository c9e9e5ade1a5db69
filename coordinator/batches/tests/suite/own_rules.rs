//! Groups with windows, an order and a number of failures of their own, and groups of a BCM category.

use crate::fleet::{Fleet, join, name, noon};
use jiff::{SignedDuration, Timestamp};
use podlift_batches::{Decision, Stage, forecast, open_for, open_for_worker};
use serde_json::{Value, json};

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Six idle nodes, of which a, b and c have the category h100 and are the group x with these rules.
fn fleet(rules: Value) -> Fleet {
    let mut group = json!({"name": "x", "category": "h100", "max-unavailable": "100%"});
    for (key, value) in rules.as_object().unwrap() {
        group[key] = value.clone();
    }
    Fleet::new(6, &SIX)
        .category("h100", &["a", "b", "c"])
        .category("gb200", &["d"])
        .policy(json!({"groups": [group]}))
}

fn window(text: &str) -> Value {
    serde_json::to_value(text.parse::<podlift_batches::Window>().unwrap()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn out(fleet: Fleet, nodes: &[&str]) -> Fleet {
    nodes.iter().fold(fleet, |fleet, node| fleet.stage(node, Stage::Over))
}

#[test]
fn a_category_makes_a_group() {
    let one = fleet(json!({"max-unavailable": 1}));
    assert_eq!(one.clone().order(), ["a d e f", "b", "c"]);
    let both =
        fleet(json!({"max-unavailable": 1, "selector": "pool=y"})).label("pool", &[("b", "y"), ("d", "y")]);
    assert_eq!(both.next(), "a b c d e f", "one node matches both");
    let none = fleet(json!({"max-unavailable": 1, "category": "b300"}));
    assert_eq!(none.next(), "a b c d e f");
}

#[test]
fn a_group_waits_for_its_windows_while_others_go() {
    let night = fleet(json!({"windows": [window("22:00-23:00 UTC")]}));
    assert_eq!(night.clone().next(), "d e f");
    assert_eq!(night.clone().stage("d", Stage::AtWork).next(), "e f");
    let rest = out(night, &["d", "e", "f"]);
    let ten = noon() + SignedDuration::from_hours(10);
    assert_eq!(rest.waits(), ("no window is open in which a lane still ends".into(), Some(ten)));
    assert_eq!(Fleet { now: ten, ..rest.clone() }.next(), "a b c");
    let late = Fleet { now: ten + SignedDuration::from_mins(31), ..rest };
    assert_eq!(late.waits().1, Some(ten + SignedDuration::from_hours(24)));
}

#[test]
fn windows_of_a_group_stand_in_place_of_the_common_ones() {
    let common = |own: Value| {
        let mut fleet = fleet(json!({"windows": own}));
        fleet.policy.windows = vec!["20:00-21:00 UTC".parse().unwrap()];
        fleet
    };
    let own = common(json!([window("11:00-13:00 UTC")]));
    assert_eq!(own.clone().next(), "a b c");
    let rest = out(own, &["a", "b", "c"]);
    assert_eq!(rest.waits().1, Some(noon() + SignedDuration::from_hours(8)));
    let none = common(json!([]));
    assert_eq!(none.waits().1, Some(noon() + SignedDuration::from_hours(8)), "an empty list is none");
}

#[test]
fn a_group_whose_windows_never_open_is_named_when_the_others_are_over() {
    let cases = [
        (
            "2026-11-29 08:00-12:00 UTC",
            "no window of group x opens again: windows in [[rollout.groups]] of policy.toml",
        ),
        (
            "22:00-22:29 UTC",
            "no window of group x to come is as long as a lane, which is expected to take 30 min: windows in [[rollout.groups]] of policy.toml",
        ),
    ];
    for (text, want) in cases {
        let never = fleet(json!({"windows": [window(text)]}));
        assert_eq!(never.clone().next(), "d e f");
        let seen = forecast(&never.scene());
        assert_eq!((seen.batches.len(), seen.not_taken[&name("a")].as_str()), (1, want));
        assert_eq!(out(never, &["d", "e", "f"]).waits(), (want.into(), None));
    }
}

#[test]
fn a_gang_in_two_groups_begins_when_both_windows_are_open() {
    let gang = |own: &str| {
        let mut fleet = fleet(json!({"windows": [window(own)]})).gang("g/1", &["c", "d"], 1);
        fleet.policy.windows = vec!["11:00-16:00 UTC".parse().unwrap()];
        fleet
    };
    let later = gang("14:00-16:00 UTC");
    assert_eq!(later.clone().next(), "e f", "the gang and the group wait");
    let rest = out(later, &["a", "b", "e", "f"]);
    let (why, until) = rest.waits();
    assert_eq!(
        (why.as_str(), until),
        ("no window is open in which a lane still ends", Some(time("2026-11-30T14:00:00Z")))
    );
    assert_eq!(Fleet { now: until.unwrap(), ..rest }.next(), "c d");
    let apart = out(gang("20:00-22:00 UTC"), &["a", "b", "e", "f"]);
    match apart.clone().decide() {
        Decision::Leave { nodes, why } => {
            assert_eq!(join(&nodes), "c d");
            let want = "g/1 keeps nodes together, but the windows of group x and the other workers are never open together for as long as a lane takes, so the policy leaves its nodes out";
            assert_eq!(why, want);
        }
        other => panic!("{other:?}"),
    }
    let ended = Fleet { jobs: vec![], ..apart };
    assert_eq!(ended.next(), "d", "each goes by itself");
}

#[test]
fn a_worker_is_asked_for_by_its_labels_and_its_category() {
    let fleet = fleet(json!({"windows": [window("14:00-16:00 UTC")]}));
    let open = |category, hours: i64, seconds| {
        let now = noon() + SignedDuration::from_hours(hours);
        open_for_worker(&fleet.policy, &Default::default(), category, now, seconds)
    };
    let two = time("2026-11-30T14:00:00Z");
    assert_eq!(open(Some("h100"), 0, 60), Err(Some(two)));
    assert_eq!(open(Some("h100"), 2, 7200), Ok(()));
    assert_eq!(open(Some("h100"), 2, 7201), Err(None));
    assert_eq!((open(Some("gb200"), 0, 60), open(None, 0, 60)), (Ok(()), Ok(())));
    assert_eq!(open_for(&fleet.policy, noon(), 60), Ok(()), "windows of groups are for their workers");
}

#[test]
fn a_group_has_an_order_of_its_own() {
    let busy = |rules: Value| Fleet { max: 1, ..fleet(rules).job("j/a", &["a"], 9).job("j/e", &["e"], 5) };
    assert_eq!(busy(json!({})).order(), ["b", "c", "d", "f", "e", "a"]);
    let named = busy(json!({"order": "as-planned"}));
    assert_eq!(named.clone().order(), ["d", "f", "a", "b", "c", "e"]);
    let all = Fleet { max: 6, ..named }.batch();
    assert_eq!(all.why, "2 nodes without a job; 1 node with the least to lose; 3 nodes, next by name");
    let mut by_loss = busy(json!({"order": "least-loss"}));
    by_loss.policy.order = podlift_batches::Order::AsPlanned;
    assert_eq!(by_loss.order(), ["b", "c", "d", "e", "f", "a"]);
}

#[test]
fn a_group_with_as_many_failures_as_it_allows_is_left_out_and_others_go_on() {
    let failed = |most: u32| Fleet { max: 1, ..fleet(json!({"max-failed": most})).failed("a") };
    assert_eq!(failed(2).next(), "b");
    assert_eq!(failed(1).order(), ["d", "e", "f"]);
    let over = out(failed(1), &["d", "e", "f"]);
    let want =
        "a of group x failed, as many as its max-failed allows (1), so the policy leaves its other nodes out";
    match over.clone().decide() {
        Decision::Leave { nodes, why } => assert_eq!((join(&nodes).as_str(), why.as_str()), ("b c", want)),
        other => panic!("{other:?}"),
    }
    assert_eq!(forecast(&over.scene()).not_taken[&name("c")], want);
    assert_eq!(out(failed(2).failed("b"), &["d", "e", "f"]).order(), Vec::<String>::new(), "two of two");
    let mut again = over;
    (again.worker("a").failed, again.worker("a").stage) = (false, Stage::ToCome);
    assert_eq!(again.next(), "a", "it is tried again");
    let canary = Fleet { max: 1, ..fleet(json!({"max-failed": 1, "canary": 1})).failed("a") };
    let canary = out(canary, &["d", "e", "f"]);
    assert!(
        matches!(canary.decide(), Decision::Leave { why, .. } if why.starts_with("a of the canary of group x failed"))
    );
}
