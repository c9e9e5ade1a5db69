//! Spans of a whole run, through a real exporter to a collector: one trace, joined by op ids. One test, because a process has one
//! subscriber.

use podlift_common::telemetry::{self, LogFormat, Service};
use podlift_tests::collector::{Collector, Span};
use podlift_tests::cut::Cut;
use podlift_tests::paused;
use podlift_tests::pod::Pod;
use podlift_tests::promises::upgraded;
use podlift_tests::sabotage::Sabotage;
use std::collections::BTreeSet;

/// A run in which every control-plane node needs its guard.
async fn run() -> String {
    let mut pod = Pod::new(podlift_lab::Shape::default(), Sabotage::None);
    pod.waivers = vec![("flag-loss".into(), "the lab wants to see the heal".into())];
    pod.start(Cut::never());
    let run = pod.start_run().await.unwrap();
    pod.rest().await;
    upgraded(&pod).unwrap();
    run.to_string()
}

#[test]
fn a_run_is_one_trace_from_plan_to_op() {
    let collector = Collector::start();
    let telemetry = {
        let _within = collector.runtime.enter();
        let endpoint = format!("http://{}", collector.address).parse().unwrap();
        let service = Service { name: "podlift-test", version: "1" };
        telemetry::start("error", LogFormat::Text, service, Some(&endpoint))
    };
    let run = paused(run());
    telemetry.flush();
    let spans = collector.spans();
    let named = |name: &str| spans.iter().filter(|s| s.name == name).collect::<Vec<_>>();
    assert!(spans.iter().all(|s| s.service == "podlift-test"));
    assert!(named("plan").iter().any(|s| s.get("goal").contains("v1.32.9") && !s.get("by").is_empty()));

    let steps = named("step");
    assert!(steps.iter().all(|s| s.get("run") == run && !s.get("step").is_empty()));
    assert!(steps.iter().any(|s| s.get("step").ends_with("/drain") && !s.get("node").is_empty()));

    // An agent's span says which op it is; the coordinator's says for which step.
    let (agents, coordinators): (Vec<&Span>, Vec<&Span>) =
        named("op").into_iter().partition(|s| !s.get("op").is_empty());
    let ids = |spans: &[&Span]| spans.iter().map(|s| s.get("op_id").to_string()).collect::<BTreeSet<_>>();
    assert!(agents.len() > 20, "{} ops on agents", agents.len());
    assert!(ids(&agents).is_subset(&ids(&coordinators)), "an op of an agent that no coordinator sent");
    for span in agents.iter().chain(&coordinators) {
        assert!(
            ["run", "node", "op_id", "epoch"]
                .iter()
                .all(|a| !span.get(a).is_empty() || span.get("step").split('/').count() < 3),
            "{span:?}"
        );
    }

    let heals = named("heal");
    assert!(
        heals.iter().any(|s| s.get("rules").contains("etcd-servers-empty") && s.get("run") == run),
        "{heals:?}"
    );
    let one: BTreeSet<&str> = [steps, agents.clone(), coordinators.clone(), heals]
        .concat()
        .iter()
        .map(|s| s.trace.as_str())
        .collect();
    assert_eq!(one.len(), 1, "one run, one trace: {one:?}");
    let of_steps: BTreeSet<&str> = named("step").iter().map(|s| s.id.as_str()).collect();
    assert!(coordinators.iter().all(|s| of_steps.contains(s.parent.as_str())), "an op outside of its step");
    let parents: BTreeSet<&str> =
        named("step").into_iter().chain(agents).map(|s| s.parent.as_str()).collect();
    assert_eq!(parents.len(), 1, "steps and agents' ops are children of the run");
}
