//! Goldens of a run on its way: the batch at work, what the run waits for, its end, the slowest nodes, the events and the report.

use super::status::Shown;
use super::tests::{aged, on_terminals, paused, run};
use super::{event, report, slowest, status};
use crate::out::Screen;
use podlift_coordinator::testing::{Fleet, name};
use podlift_engine::machine::{BatchWait, ChosenBatch, Event};
use podlift_engine::view::{Eta, InterruptedJob, Report, Status};
use podlift_model::NodeName;

const LLM: &str = "runai/PyTorchJob/llm-pretrain-70b";

fn time(text: &str) -> jiff::Timestamp {
    format!("2026-11-22T{text}Z").parse().unwrap()
}

fn nodes(names: &str) -> Vec<NodeName> {
    names.split(' ').map(name).collect()
}

fn batch() -> ChosenBatch {
    ChosenBatch {
        number: 3,
        at: time("02:00:10"),
        phase: "workers".into(),
        nodes: nodes("dgx034 dgx035 dgx036 dgx037"),
        why: format!("4 nodes with the least to lose; the nodes of a gang go together: {LLM}"),
        reasons: Default::default(),
        interrupts: vec![LLM.into()],
        gpu_seconds: 1280 * 3600,
        jobs: vec![],
    }
}

/// A status in the middle of the workers.
pub(crate) async fn on_its_way() -> Status {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = aged(coordinator.status(None).unwrap());
    let run = seen.run.as_mut().unwrap();
    (run.status, run.paused, run.phase) = ("running".into(), None, Some("Workers".into()));
    run.batch = Some(batch());
    run.waits = Some(BatchWait {
        why: "no window is open in which a lane still ends".into(),
        until: Some("2026-11-22T21:00:00Z".parse().unwrap()),
    });
    seen.eta = Some(Eta { at: time("21:40:00"), earliest: time("21:25:00"), latest: time("22:10:00") });
    for (row, (state, seconds)) in seen.nodes.iter_mut().zip([
        ("upgraded", Some(843.0)),
        ("working", Some(2460.0)),
        ("upgraded", Some(611.0)),
        ("upgraded", Some(702.0)),
        ("pending", None),
    ]) {
        (row.state, row.seconds, row.reason) = (state.into(), seconds, None);
        (row.usual_seconds, row.late) = (seconds.map(|_| 702.0), seconds > Some(2000.0));
        row.step = (state == "working").then(|| format!("workers/{}/node-ready", row.name));
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_run_on_its_way() {
    let seen = on_its_way().await;
    insta::assert_snapshot!(on_terminals(|s| status::status(&seen, Shown::default(), s)));
}

#[tokio::test(start_paused = true)]
async fn the_end_with_its_spread_fits_a_narrow_terminal() {
    let mut seen = on_its_way().await;
    let screen = Screen { width: Some(80), height: None, colour: false };
    let of = |text: &str| format!("2026-11-{text}Z").parse().unwrap();
    // The longest text: each time is of another day.
    seen.eta = Some(Eta { at: of("24T21:40:00"), earliest: of("23T23:25:00"), latest: of("26T02:10:00") });
    let text = status::status(&seen, Shown::default(), screen);
    let end = text.lines().position(|line| line.starts_with("  ends about")).unwrap();
    let lines: Vec<&str> = text.lines().skip(end).take(2).map(str::trim).collect();
    assert_eq!(
        lines.join(" "),
        "ends about 2026-11-24 21:40, between 2026-11-23 23:25 and 2026-11-26 02:10 (UTC)"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_paused_or_over_has_no_end_to_come() {
    let mut seen = on_its_way().await;
    let screen = Screen { width: Some(120), height: None, colour: false };
    for (state, shown) in [("running", true), ("paused", false), ("aborting", false), ("succeeded", false)] {
        seen.run.as_mut().unwrap().status = state.into();
        let text = status::status(&seen, Shown::default(), screen);
        for part in ["batch 3: dgx[034-037]", "no other node begins", "ends about 21:40"] {
            assert_eq!(text.contains(part), shown, "{state}, {part}: {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_slowest_nodes() {
    let mut seen = on_its_way().await;
    insta::assert_snapshot!(on_terminals(|s| slowest::slowest(&seen, 10, s)));
    let screen = Screen { width: Some(80), height: None, colour: false };
    let two = slowest::slowest(&seen, 2, screen);
    assert!(two.contains("and 2 more: podlift status --slowest 4"), "{two}");
    assert!(two.lines().all(|line| line.chars().count() <= 80), "{two}");
    assert!(crate::parse(&["podlift", "status", "--slowest", "4"]).is_ok());
    let marked = |text: &str| text.lines().filter(|line| line.contains(", late")).count();
    assert_eq!(marked(&two), 1, "{two}");
    seen.nodes.iter_mut().for_each(|row| (row.usual_seconds, row.late) = (None, false));
    let without = slowest::slowest(&seen, 9, screen);
    assert!(marked(&without) == 0 && without.contains(" -"), "no node of the class is over: {without}");
    seen.nodes.iter_mut().for_each(|row| row.seconds = None);
    assert!(slowest::slowest(&seen, 2, screen).starts_with("No node of the run has begun yet"));
}

#[test]
fn the_events_of_batches() {
    let chosen = |number: u32, nodes: Vec<NodeName>, why: &str, interrupts: Vec<String>, gpu_seconds: u64| {
        let (phase, why) = ("workers".into(), why.into());
        Event::BatchChosen {
            number,
            phase,
            nodes,
            why,
            reasons: Default::default(),
            interrupts,
            gpu_seconds,
            jobs: vec![],
        }
    };
    let many: Vec<NodeName> = (0..40).map(|n| name(&format!("dgx{:03}", n * 2))).collect();
    let events = [
        chosen(1, vec![], "next in the order of the plan (Addons)", vec![], 0),
        chosen(2, nodes("dgx030 dgx031 dgx032"), "3 nodes without a job", vec![], 0),
        chosen(3, batch().nodes, &batch().why, vec![LLM.into()], 1280 * 3600),
        chosen(
            4,
            many,
            "least loss",
            ["a/Job/b", "c/Job/d", "e/Job/f", "g/Job/h", "i/Job/j"].map(String::from).into(),
            60,
        ),
        Event::BatchWaits { why: "no window is open".into(), until: Some(time("21:00:00")) },
        Event::BatchWaits { why: String::new(), until: None },
        Event::BatchLeft {
            nodes: batch().nodes,
            why: format!("{LLM} has more nodes than may be unavailable together (2)"),
        },
        Event::BatchWaits {
            why: format!("dgx034 and dgx035: {LLM} (example.org/keep=true) must not be interrupted"),
            until: None,
        },
    ];
    let lines: Vec<String> = events.iter().map(|event| event::text(event, None)).collect();
    insta::assert_snapshot!(anstream::adapter::strip_str(&lines.join("\n")).to_string());
}

#[tokio::test(start_paused = true)]
async fn a_wide_event_has_the_reason_for_each_node() {
    let coordinator = paused(&Fleet::new()).await;
    let mut record = podlift_coordinator::testing::records(coordinator.store(), 0).remove(0);
    assert_eq!(event::wide(&record, None), event::line(&record, None), "no reasons, no lines");
    record.event = Event::BatchChosen {
        number: 1,
        phase: "workers".into(),
        nodes: nodes("dgx030 dgx031"),
        why: "2 nodes without a job".into(),
        reasons: [
            ("dgx030", "no job with a GPU runs on it"),
            ("dgx031", "runs lab/Notebook/eve (1 GPU, 2 h 0 min)"),
        ]
        .map(|(node, why)| (name(node), why.to_string()))
        .into(),
        interrupts: vec![],
        gpu_seconds: 0,
        jobs: vec![],
    };
    let text = event::wide(&record, None);
    let below: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        below,
        [
            "      dgx030: no job with a GPU runs on it",
            "      dgx031: runs lab/Notebook/eve (1 GPU, 2 h 0 min)"
        ]
    );
}

/// The report of a run with batches that have interrupted jobs.
pub(crate) async fn worked() -> Report {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = coordinator.report(Some(&run())).unwrap();
    let idle = ChosenBatch {
        number: 2,
        nodes: nodes("dgx030 dgx031"),
        why: "2 nodes without a job".into(),
        interrupts: vec![],
        gpu_seconds: 0,
        ..batch()
    };
    seen.batches = vec![idle, batch()];
    let job = |namespace: &str, owner: &str, times: u32, gpu_hours: f64| InterruptedJob {
        job: format!("{namespace}/{owner}"),
        namespace: namespace.into(),
        owner: owner.into(),
        times,
        gpu_hours,
    };
    seen.interrupted =
        vec![job("lab", "Notebook/eve", 2, 4.2), job("runai", "PyTorchJob/llm-pretrain-70b", 1, 1280.4)];
    seen.gpu_hours_lost = [("lab".to_string(), 4.2), ("runai".to_string(), 1280.4)].into();
    seen
}

#[tokio::test(start_paused = true)]
async fn the_report_says_what_the_run_cost() {
    let without = paused(&Fleet::new()).await.report(Some(&run())).unwrap();
    let before = report::markdown(&without);
    assert!(!before.contains("## Batches") && !before.contains("## Interrupted jobs"), "{before}");
    let mut seen = worked().await;
    let text = report::markdown(&seen);
    let from = text.find("## Batches").unwrap();
    let to = text.find("## API servers").unwrap();
    insta::assert_snapshot!(text[from..to].trim_end());
    assert!(!text.contains("0 times"), "{text}");
    seen.interrupted[0].times = 0;
    assert!(report::markdown(&seen).contains("A job with 0 times has lost pods"), "an elastic job");
}
