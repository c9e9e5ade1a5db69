//! The three ways on one trace.
#![allow(clippy::unwrap_used)] // a test may panic

use podlift_batches::Policy;
use podlift_simulate::{Comparison, Outcome, Trace, Way, compare, render_svg, render_table};

const SMALL: &str = include_str!("../traces/small.json");
const MONTHS: &str = include_str!("../traces/four-months.json");

fn policy(json: &str) -> Policy {
    let policy: Policy = serde_json::from_str(json).unwrap();
    policy.validate().unwrap();
    policy
}

fn played(trace: &str, policy_json: &str) -> Comparison {
    compare(&Trace::read(trace).unwrap(), &policy(policy_json))
}

fn of(comparison: &Comparison, way: Way) -> &Outcome {
    comparison.outcomes.iter().find(|outcome| outcome.way == way).unwrap()
}

#[test]
fn podlifts_order_loses_less_and_interrupts_no_job_twice() {
    let seen = played(SMALL, r#"{"max-unavailable": 4}"#);
    let podlift = of(&seen, Way::Podlift);
    for way in [Way::NodeByNode, Way::PlainBatches] {
        let other = of(&seen, way);
        assert!(podlift.gpu_hours_lost < other.gpu_hours_lost, "{seen:?}");
        assert!(podlift.jobs_interrupted_again <= other.jobs_interrupted_again);
    }
    assert_eq!(podlift.jobs_interrupted_again, 0);
    assert!(
        of(&seen, Way::NodeByNode).jobs_interrupted_again > 0,
        "the runbook's order meets the gang twice"
    );
    assert!(podlift.wall_hours < of(&seen, Way::NodeByNode).wall_hours);
    for outcome in &seen.outcomes {
        assert_eq!(outcome.upgrades[0].nodes_not_taken, 0);
    }
}

#[test]
fn months_of_generated_jobs_cost_less_in_podlifts_order() {
    let seen = played(MONTHS, "{}");
    let podlift = of(&seen, Way::Podlift);
    println!("{}", render_table(&seen));
    for way in [Way::NodeByNode, Way::PlainBatches] {
        let other = of(&seen, way);
        assert!(podlift.gpu_hours_lost < other.gpu_hours_lost);
        assert!(podlift.jobs_interrupted_again < other.jobs_interrupted_again);
    }
    for outcome in &seen.outcomes {
        assert_eq!(outcome.upgrades.len(), 12);
        assert!(outcome.upgrades.iter().all(|upgrade| upgrade.nodes_not_taken == 0));
    }
    let unavoidable = |way| of(&seen, way).gpu_hours_unavoidable;
    assert_eq!(unavoidable(Way::Podlift), unavoidable(Way::NodeByNode), "each way begins with the same jobs");
    assert_eq!(seen, played(MONTHS, "{}"), "the same trace gives the same figures");
}

#[test]
fn a_policy_is_that_of_the_product() {
    let windows = r#"{"max-unavailable": 4,
        "windows": [{"days": ["wed"], "from": "00:00", "to": "06:00", "zone": "UTC"}]}"#;
    let seen = played(SMALL, windows);
    assert!(of(&seen, Way::Podlift).wall_hours > 24.0, "it waits for Wednesday");
    assert!(of(&seen, Way::PlainBatches).wall_hours < 3.0);
    let skip = played(SMALL, r#"{"max-unavailable": 2, "gangs": {"too-large": "skip"}}"#);
    assert_eq!(of(&skip, Way::Podlift).upgrades[0].nodes_not_taken, 4);
}

#[test]
fn a_trace_that_is_wrong_is_refused_by_field() {
    let wrong = [
        (r#""podlift.trace/v1""#, r#""podlift.trace/v9""#, "format: podlift.trace/v9 is not known"),
        (r#""nodes": 12"#, r#""nodes": 0"#, "fleet.nodes: 0 is out of range: expected 1 to 10000"),
        (r#""spread": 0.1"#, r#""spread": 7.5"#, "upgrades.spread: 7.5 is no part: expected 0 to 1"),
        (r#""at-days": [1.0]"#, r#""at-days": [-1.0]"#, "upgrades.at-days[0]: -1 is no day"),
        (r#""gpus": 32"#, r#""gpus": 33"#, "jobs[0].gpus: 33 does not fit: expected at most a node's GPUs"),
        (r#""gpus": 32"#, r#""gpus": 320"#, "jobs[0].gpus: 320 does not fit"),
        (r#""seconds": 81000"#, r#""seconds": 0"#, "jobs[2].seconds: 0 is no length"),
        (r#""lane-seconds""#, r#""lane-hours""#, "unknown field `lane-hours`"),
    ];
    for (from, to, want) in wrong {
        let text = Trace::read(&SMALL.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(text.contains(want), "{text}");
    }
    let load = Trace::read(&MONTHS.replacen(r#""load": 0.8"#, r#""load": 1.8"#, 1)).unwrap_err().to_string();
    assert!(load.starts_with("generate.load: 1.8 is no load"), "{load}");
}

#[test]
fn a_picture_has_every_value_of_the_table() {
    let seen = played(SMALL, r#"{"max-unavailable": 4}"#);
    let svg = render_svg(&seen);
    let table = render_table(&seen);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    for outcome in &seen.outcomes {
        assert!(svg.contains(outcome.way.title()) && table.contains(outcome.way.title()));
        assert!(svg.contains(&format!(">{:.1}</text>", outcome.wall_hours)));
        assert!(table.contains(&format!("{:.1}", outcome.gpu_hours_lost)));
    }
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    let json = serde_json::to_value(&seen).unwrap();
    assert_eq!(json["format"], "podlift.simulation/v1");
    assert_eq!(json["outcomes"][2]["way"], "podlift");
}

#[test]
fn a_group_has_rules_of_its_own() {
    let rules = |own: &str| {
        format!(
            r#"{{"max-unavailable": 4, "groups": [{{"name": "first", "selector": "rack=r000", "max-unavailable": 2{own}}}]}}"#
        )
    };
    let hours = |own: &str| of(&played(SMALL, &rules(own)), Way::Podlift).wall_hours;
    assert!(hours("") < 3.0);
    let wednesday = r#", "order": "as-planned", "max-failed": 1,
        "windows": [{"days": ["wed"], "from": "00:00", "to": "06:00", "zone": "UTC"}]"#;
    assert!(hours(wednesday) > 24.0, "its rack waits for Wednesday");
    let category = r#"{"max-unavailable": 4, "groups": [{"name": "bcm", "category": "h100", "max-unavailable": 1,
        "windows": [{"date": "2001-01-01", "from": "00:00", "to": "06:00", "zone": "UTC"}]}]}"#;
    let seen = played(SMALL, category);
    assert_eq!(of(&seen, Way::Podlift).upgrades[0].nodes_not_taken, 0, "no node of the trace has a category");
}
