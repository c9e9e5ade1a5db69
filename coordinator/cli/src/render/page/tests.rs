//! The page: nothing is loaded, nothing is lost, nothing is ticked without evidence, and a large fleet fits.

mod browser;

use super::page;
use crate::render::course_tests::worked;
use crate::render::validate::tests::{checked, seen};
use jiff::SignedDuration;
use podlift_coordinator::testing::name;
use podlift_engine::issues::{IssueName, Writer, WriterSource};
use podlift_engine::machine::Note;
use podlift_engine::program::Finding;
use podlift_engine::validate::Outcome;
use podlift_engine::view::report::{NodeReport, PhaseReport};
use podlift_engine::view::{IssueRow, Report};

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
    r.issues = vec![IssueRow {
        issue: IssueName::LoadBalancers,
        object: "service runai/runai-proxy".into(),
        what: "it was deleted".into(),
        since: Some(start),
        by: Some(Writer {
            name: "cm-kubernetes-setup".into(),
            at: None,
            source: WriterSource::ManagedFields,
        }),
        done: Some("created again with address 10.0.0.40".into()),
        when: Some(start + SignedDuration::from_secs(1)),
    }];
    r.validation = Some(seen(vec![
        checked("node-versions", Outcome::Passed, ""),
        checked("dns", Outcome::Failed, "kubectl -n kube-system get pods"),
        checked("storage", Outcome::Open, "podlift validate --only storage"),
    ]));
    r.note = Some(Note { text: "loose cable at dgx031".into(), by: "ann".into(), at: start });
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
        "Known issues",
        "last written by cm-kubernetes-setup",
        "created again with address 10.0.0.40",
        "Validation",
        "evidence of dns",
        "runai-page",
        "loose cable at dgx031</textarea>",
        "value=\"ann\"",
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
    r.validation = None;
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

#[tokio::test(start_paused = true)]
async fn what_was_repaired_since_and_what_is_said_already_is_no_line_of_its_own() {
    let mut r = full().await;
    let found = |check: &str, evidence: &str, next: &str| -> Finding {
        let json =
            serde_json::json!({"check": check, "severity": "warning", "evidence": evidence, "next": next});
        serde_json::from_value(json).unwrap()
    };
    r.checks.clear();
    r.unattested = vec!["rollback-reviewed".into()];
    r.findings = vec![
        found(
            "attestations",
            "nobody has attested rollback-reviewed: the way back",
            "podlift attest rollback-reviewed",
        ),
        found("services", "the service has no address", "podlift repair --issue load-balancers"),
    ];
    let shown = |r: &Report| super::next::next(r).into_string();
    assert!(r.issues[0].done.is_some() && r.issues[0].issue == IssueName::LoadBalancers);
    let text = shown(&r);
    assert_eq!(text.matches("rollback-reviewed").count(), 2, "one line, with its command: {text}");
    assert!(!text.contains("has no address"), "{text}");
    r.issues.iter_mut().for_each(|row| row.done = None);
    assert!(shown(&r).contains("has no address"));
}
