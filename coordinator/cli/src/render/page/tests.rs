//! The page: nothing is loaded, nothing is lost, nothing is ticked without evidence, and a large fleet fits.

mod browser;

use super::page;
use crate::render::course_tests::worked;
use jiff::SignedDuration;
use podlift_coordinator::testing::name;
use podlift_engine::view::Report;
use podlift_engine::view::report::{NodeReport, PhaseReport};

/// A report with something in each of its parts.
pub(super) async fn full() -> Report {
    let mut r = worked().await;
    let start = r.started_at;
    for (i, node) in r.nodes.iter_mut().enumerate() {
        let phase = |name: &str, after: i64, seconds: f64| PhaseReport {
            name: name.into(),
            started_at: start + SignedDuration::from_secs(after + 300 * i as i64),
            seconds,
        };
        node.phases = vec![phase("prepare", 0, 120.0), phase("workers", 600, 480.0)];
        node.unavailable_seconds = 250.0 + 10.0 * i as f64;
    }
    let healed = r.nodes[0].name.clone();
    r.heals.push(podlift_engine::view::report::HealReport {
        node: healed,
        file: "kube-apiserver.yaml".into(),
        rule: "etcd-servers".into(),
        at: start + SignedDuration::from_secs(700),
        latency_us: 812,
        diff: "-    - --etcd-servers=\n+    - --etcd-servers=https://127.0.0.1:2379 <all>".into(),
    });
    r
}

/// A fleet of the size that podlift is made for.
async fn large() -> Report {
    let mut r = full().await;
    let worker = r.nodes.last().unwrap().clone();
    r.nodes.extend((0..2000).map(|i| {
        let mut node = NodeReport { name: name(&format!("dgx{i:04}")), ..worker.clone() };
        for phase in &mut node.phases {
            phase.started_at += SignedDuration::from_secs(60 * (i / 16));
        }
        node.result = if i % 97 == 0 { "failed".into() } else { "upgraded".into() };
        node.reason = (i % 97 == 0).then(|| format!("kubelet of dgx{i:04} did not come back within 900 s"));
        node
    }));
    r
}

#[tokio::test(start_paused = true)]
async fn the_page_loads_nothing_and_escapes_what_it_shows() {
    let mut r = full().await;
    r.checks[0].evidence = "<script>alert(1)</script> & more".into();
    let text = page(&r);
    for no in ["<script", "http://", "https://f", "src=", "@import", "url("] {
        assert!(!text.contains(no), "{no}");
    }
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"));
    assert!(text.starts_with("<!DOCTYPE html><html lang=\"en\">"));
}

#[tokio::test(start_paused = true)]
async fn each_part_is_on_the_page() {
    let r = full().await;
    let text = page(&r);
    for check in &r.checks {
        assert!(text.contains(&format!("<th scope=\"row\">{}</th>", check.id)), "{}", check.id);
    }
    for part in [
        "What happened",
        "What to look at next",
        "When",
        "Summary",
        "API servers",
        "Interrupted jobs",
        "Batches",
        "Nodes",
        "Repaired by the agents",
        "Sign-off",
        "Performed by",
        "Findings",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(super::story::lines(&r).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_line_without_evidence_is_not_ticked() {
    let mut r = full().await;
    let ticks = |r: &Report| page(r).matches("☑").count();
    let passed = |r: &Report| r.checks.iter().filter(|c| c.result == "passed").count();
    for check in &mut r.checks {
        check.result = "passed".into();
    }
    assert_eq!((ticks(&r), passed(&r)), (r.checks.len(), r.checks.len()));
    for i in 0..r.checks.len() {
        for result in ["open", "failed", "a result of a later version"] {
            r.checks[i].result = result.into();
            assert_eq!(ticks(&r), r.checks.len() - 1, "{} {result}", r.checks[i].id);
        }
        r.checks[i].result = "passed".into();
    }
}

#[tokio::test(start_paused = true)]
async fn two_thousand_nodes_fit_into_200_kilobytes_and_sixty_rows() {
    let r = large().await;
    let text = page(&r);
    assert!(text.len() < 200_000, "{} bytes", text.len());
    let rows = text.matches("class=\"name\"").count();
    assert!((30..=super::timeline::ROWS).contains(&rows), "{rows}");
    assert!(text.contains("dgx0097"), "a node that failed has its reason");
}

#[tokio::test(start_paused = true)]
async fn the_story_says_what_is_not_known() {
    let mut r = full().await;
    r.api_outage.reads.clear();
    r.differences = None;
    let text = super::story::lines(&r).join(" ");
    assert!(text.contains("its outage is not known") && text.contains("not compared"), "{text}");
}
