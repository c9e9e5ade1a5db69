//! What coordinator and agent serve keeps to the rules, and docs/metrics.md describes all of it and nothing else.

use podlift_agent::config::Mode;
use podlift_coordinator::metrics::Metrics;
use podlift_engine::machine::{Event, RunStatus};
use podlift_model::Digest;
use podlift_model::heal::HealEvent;
use podlift_tests::cut::Cut;
use podlift_tests::metric_names::{Row, line, table};
use podlift_tests::paused;
use podlift_tests::pod::{Pod, name, why};
use podlift_tests::promtool::promtool;
use podlift_tests::sabotage::Sabotage;
use podlift_tests::scrape::{Families, join, lint, parse, shown};
use std::collections::BTreeMap;
use std::path::Path;

const DOCS: &str = include_str!("../../../docs/metrics.md");

/// A run in which everything is measured: a control-plane node fails, its API server is away, the run pauses; and a heal is reported.
async fn pages() -> (String, String) {
    let mut pod = Pod::new(podlift_lab::Shape::default(), Sabotage::None);
    pod.heal = Mode::Off;
    pod.waivers = vec![("flag-loss".into(), "the lab wants to see the trap".into())];
    pod.start(Cut::never());
    pod.start_run().await.unwrap();
    let state = pod.rest().await.unwrap();
    assert!(matches!(state.status, RunStatus::Paused { .. }), "{}", why(&state));
    let heal = HealEvent {
        id: "h1".into(),
        node: name("runai-01"),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: state.started,
        latency_us: 300,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: String::new(),
    };
    let coordinator = pod.coordinator();
    coordinator.store().append(Some(&state.run), Event::Healed { heal }).unwrap();
    // An outage is counted when it is over.
    let up = Event::ApiUp { endpoint: "vip".into(), milliseconds: 1 };
    coordinator.store().append(Some(&state.run), up).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let page = Metrics::new(&coordinator, Some(&file)).page().unwrap();
    (page, pod.agent(&pod.nodes()[0]).metrics().unwrap())
}

fn rows(families: &Families) -> BTreeMap<String, Row> {
    let row = |(name, f): (&String, &podlift_tests::scrape::Family)| {
        // A colon or bar would break the table; the registry adds the full stop.
        let help = f.help.trim_end_matches('.').to_string();
        let labels = f.labels().into_iter().map(String::from).collect();
        (shown(name, &f.kind), Row { kind: f.kind.clone(), labels, help })
    };
    families.iter().map(row).collect()
}

#[test]
fn every_metric_is_described_and_keeps_to_the_rules() {
    let (coordinator, agent) = paused(pages());
    let families = [&coordinator, &agent].map(|page| parse(page).unwrap_or_else(|e| panic!("{e}\n{page}")));
    assert_eq!(lint(&coordinator, &families[0], "podlift_"), Vec::<String>::new());
    assert_eq!(lint(&agent, &families[1], "podlift_agent_"), Vec::<String>::new());
    let shared: Vec<_> = families[0].keys().filter(|n| families[1].contains_key(*n)).collect();
    assert!(shared.is_empty(), "served by both: {shared:?}");
    for family in families.iter().flat_map(|f| f.iter()) {
        assert!(
            !family.1.samples.is_empty(),
            "{} is described and has no value: the test does not reach it",
            family.0
        );
    }
    let (real, described) = (rows(&join(families)), table(DOCS));
    let missing: Vec<_> =
        real.iter().filter(|(n, r)| described.get(*n) != Some(r)).map(|(n, r)| line(n, r)).collect();
    let gone: Vec<_> = described.keys().filter(|n| !real.contains_key(*n)).collect();
    assert!(
        missing.is_empty(),
        "docs/metrics.md lacks, or says something else than:\n{}",
        missing.join("\n")
    );
    assert!(gone.is_empty(), "docs/metrics.md describes what no endpoint serves: {gone:?}");
}

/// promtool reads Prometheus' older format, in which a counter is described under its full name.
fn older(page: &str, families: &Families) -> String {
    let rename = |l: &str| {
        let mut words: Vec<String> = l.split(' ').map(String::from).collect();
        let name = words.get(2).cloned().unwrap_or_default();
        match (l.starts_with("# HELP") || l.starts_with("# TYPE"), families.get(&name)) {
            (true, Some(f)) => {
                words[2] = shown(&name, &f.kind);
                words.join(" ").replace(" info", " gauge")
            }
            _ => l.to_string(),
        }
    };
    let kept = page.lines().filter(|l| !l.starts_with("# UNIT") && *l != "# EOF");
    kept.map(|l| rename(l) + "\n").collect()
}

#[test]
fn promtool_finds_nothing() {
    let (coordinator, agent) = paused(pages());
    for page in [coordinator, agent] {
        let said = promtool(&["check", "metrics"], &older(&page, &parse(&page).unwrap()), Path::new("."));
        assert_eq!(said, "", "promtool check metrics");
    }
}
