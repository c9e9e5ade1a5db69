//! Goldens of the batches, of the jobs at risk and of the site's rules.

use super::super::tests::on_terminals;
use super::{batches, jobs, rules};
use crate::out::Screen;
use podlift_engine::goals::build;
use podlift_engine::program::{ImageOrder, JobRow, PlannedBatch, Program, Skew};
use podlift_engine::testing::{input, name};
use podlift_model::NodeName;

fn batch(nodes: &str, why: &str, interrupts: &[&str], gpu_hours: u64, minutes: u64) -> PlannedBatch {
    PlannedBatch {
        nodes: nodes.split(' ').map(name).collect(),
        why: why.into(),
        interrupts: interrupts.iter().map(ToString::to_string).collect(),
        gpu_seconds: gpu_hours * 3600,
        starts_in_seconds: minutes * 60,
    }
}

fn job(id: &str, nodes: &str, gpus: u32, gpu_hours_at_risk: f64, times: u32) -> JobRow {
    let nodes: Vec<NodeName> = nodes.split(' ').map(name).collect();
    JobRow { id: id.into(), nodes, gpus, gpu_hours_at_risk, times }
}

const LLM: &str = "runai/PyTorchJob/llm-pretrain-70b";
const NOTEBOOK: &str = "lab/Notebook/eve";
const SWEEP: &str = "vision/Job/sweep-14";

fn planned() -> Program {
    let gang = format!("4 nodes with the least to lose; the nodes of a gang go together: {LLM}");
    let mut made = build(&input()).unwrap();
    let canary = made.phases.iter_mut().find(|phase| phase.name == "canary").unwrap();
    canary.batches = vec![batch("dgx029", "the first workers: those that lose least", &[], 0, 0)];
    let workers = made.phases.iter_mut().find(|phase| phase.name == "workers").unwrap();
    workers.batches = vec![
        batch("dgx030 dgx031 dgx032 dgx040", "4 nodes without a job", &[], 0, 0),
        batch("dgx033", "1 node with preemptible jobs only", &[NOTEBOOK], 2, 14),
        batch("dgx034 dgx035 dgx036 dgx037", &gang, &[LLM], 1280, 28),
        batch(
            "dgx050 dgx052 dgx054 dgx056 dgx058 dgx060",
            "6 nodes with the least to lose",
            &[NOTEBOOK, SWEEP, "vision/Job/sweep-15", "vision/Job/sweep-16"],
            96,
            75,
        ),
    ];
    workers.ends_in_seconds = Some(6 * 3600);
    made.jobs = vec![
        job(NOTEBOOK, "dgx033 dgx050", 2, 4.2, 2),
        job(LLM, "dgx034 dgx035 dgx036 dgx037", 32, 1280.4, 1),
        job(SWEEP, "dgx052", 1, 0.04, 1),
    ];
    made
}

#[test]
fn the_batches_of_a_plan() {
    let made = planned();
    insta::assert_snapshot!(on_terminals(|s| batches::batches(&made, false, s)));
    assert_eq!(
        batches::batches(
            &build(&input()).unwrap(),
            false,
            Screen { width: None, height: None, colour: false }
        ),
        ""
    );
}

#[test]
fn workers_that_no_batch_takes_are_named_with_the_reason() {
    let mut made = build(&input()).unwrap();
    let workers = made.phases.iter_mut().find(|phase| phase.name == "workers").unwrap();
    let why = format!("{LLM} has more nodes than may be unavailable together (2)");
    workers.not_taken = ["dgx034", "dgx035", "dgx036"].map(|node| (name(node), why.clone())).into();
    workers.not_taken.insert(name("dgx040"), format!("{NOTEBOOK} must not be interrupted"));
    let screen = Screen { width: Some(120), height: None, colour: false };
    insta::assert_snapshot!(batches::batches(&made, false, screen), @r"
    Workers in no batch of the forecast:
      dgx040: lab/Notebook/eve must not be interrupted
      dgx[034-036]: runai/PyTorchJob/llm-pretrain-70b has more nodes than may be unavailable together (2)
    ");
}

#[test]
fn the_jobs_at_risk() {
    let made = planned();
    insta::assert_snapshot!(on_terminals(|s| jobs::at_risk(&made, false, s)));
}

#[test]
fn the_rules_of_the_site() {
    let mut made = planned();
    let policy = serde_json::json!({
        "max-unavailable": "5%", "grow": true, "order": "as-planned",
        "groups": [
            {"name": "h100", "selector": "gpu=h100", "max-unavailable": "2"},
            {"name": "b200", "selector": "gpu=b200", "max-unavailable": "5%", "canary": 2, "canary-soak-seconds": 1800},
            {"name": "inference", "selector": "pool=inference", "max-unavailable": "1", "canary": 1},
            {"name": "login", "category": "dgx-login", "max-unavailable": "1", "max-failed": 1, "order": "as-planned",
             "windows": [{"days": ["sun"], "from": "02:00", "to": "08:00", "zone": "UTC"}]},
            {"name": "old", "selector": "gpu=a100", "category": "dgx-a100", "max-unavailable": "2", "max-failed": 3, "order": "least-loss"},
        ],
        "topology": {"label": "rack", "take": "one-domain"},
        "windows": [
            {"days": ["fri", "sat"], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin"},
            {"date": "2026-12-05", "from": "08:00", "to": "20:00", "zone": "UTC"},
        ],
        "gangs": {"too-large": "wait", "wait-seconds": 7200},
        "failed-checkpoint": "go-on", "never-interrupt-seconds": 5400,
    });
    made.options.batches = Some(serde_json::from_value(policy).unwrap());
    let options = &mut made.options;
    options.interactive_warning_seconds = 600;
    (options.canary, options.canary_soak_seconds) = (2, 1800);
    (options.image_order, options.skew) = (ImageOrder::Runbook, Skew::Adjacent);
    insta::assert_snapshot!(rules::rules(&made));
    let options = &mut made.options;
    options.interactive_warning_seconds = 0;
    (options.canary, options.canary_soak_seconds) = (1, 0);
    (options.image_order, options.skew) = (ImageOrder::DrainFirst, Skew::Upstream);
    for (way, part) in [("skip", "their nodes are left out"), ("ask", "`podlift approve`")] {
        made.options.batches =
            Some(serde_json::from_value(serde_json::json!({"gangs": {"too-large": way}})).unwrap());
        assert!(rules::rules(&made).contains(part), "{}", rules::rules(&made));
    }
    for usual in [None, Some(podlift_engine::program::Rollout::default())] {
        made.options.batches = usual;
        assert_eq!(rules::rules(&made), "");
    }
}

#[test]
fn the_first_workers_are_named_unless_it_is_one() {
    let mut made = planned();
    made.options.batches = None;
    for (canary, soak, line) in [
        (0, 0, "no worker goes first and alone"),
        (2, 0, "2 workers go first, the others after them"),
        (1, 1800, "1 worker goes first, the others 30 m 00 s after it"),
    ] {
        (made.options.canary, made.options.canary_soak_seconds) = (canary, soak);
        assert_eq!(
            rules::rules(&made),
            format!("Rules for the workers (site rules, and options of this plan):\n  {line}\n\n")
        );
    }
}

#[test]
fn the_end_of_the_workers_stands_below_their_batches() {
    let mut made = planned();
    made.made_at = "2026-11-22T20:15:00Z".parse().unwrap();
    let screen = Screen { width: None, height: None, colour: false };
    let text = |made: &Program| batches::batches(made, false, screen);
    assert!(text(&made).contains("\nThe last batch would be over after 6 h 00 m.\n"), "{}", text(&made));
    let windows = serde_json::json!({"windows": [{"from": "22:00", "to": "06:00", "zone": "UTC"}]});
    made.options.batches = Some(serde_json::from_value(windows).unwrap());
    let end = "over after 6 h 00 m: begun when this plan was made, at 20:15 (UTC), it ends at about 2026-11-23 02:15 (UTC).\n";
    assert!(text(&made).contains(end), "{}", text(&made));
    for phase in &mut made.phases {
        phase.ends_in_seconds = None;
    }
    assert!(!text(&made).contains("would be over"), "{}", text(&made));
}

#[test]
fn a_long_forecast_and_many_jobs_are_cut_and_shown_with_v() {
    let mut made = planned();
    let workers = made.phases.iter_mut().find(|phase| phase.name == "workers").unwrap();
    workers.batches = (0..200).map(|n| batch(&format!("dgx{n:03}"), "least loss", &[], 1, n)).collect();
    made.jobs = (0..40).map(|n| job(&format!("lab/Job/j{n:02}"), "dgx001", 8, f64::from(n), 1)).collect();
    let screen = Screen { width: Some(80), height: None, colour: false };
    let cut = batches::batches(&made, false, screen) + &jobs::at_risk(&made, false, screen);
    for part in
        ["191 more batches with 191 nodes; -v shows them", "30 more jobs with 435 GPU-hours; -v shows them"]
    {
        assert!(cut.contains(part), "{part}: {cut}");
    }
    assert!(cut.contains("lab/Job/j39") && !cut.contains("lab/Job/j02"), "the costly ones are shown: {cut}");
    assert!(cut.lines().all(|line| line.chars().count() <= 80), "{cut}");
    let all = batches::batches(&made, true, screen) + &jobs::at_risk(&made, true, screen);
    assert!(all.contains("dgx199") && all.contains("lab/Job/j02") && !all.contains("-v shows"), "{all}");
}
