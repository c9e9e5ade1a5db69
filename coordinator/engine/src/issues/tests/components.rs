//! Components that do not start because of their manifest.

use super::*;
use crate::testing::name;
use podlift_model::Digest;
use podlift_model::components::ComponentState;
use podlift_model::heal::HealEvent;
use podlift_model::op::Component;

/// A component whose container has ended with this last line.
fn ended(component: Component, line: &str) -> ComponentState {
    ComponentState {
        component,
        endpoint: "10.77.0.11:6443".into(),
        ready: false,
        answer: "connection refused".into(),
        wants_credentials: false,
        running: None,
        object_read: None,
        object_answer: String::new(),
        flags_match: true,
        hash_matches: None,
        container: Some("c4".into()),
        restarts: 4,
        last_exit: Some(1),
        last_exit_at: "2025-10-20T15:45:30Z".parse().ok(),
        log_tail: format!("I1020 15:45:29.1 1 server.go:145] starting\n{line}\n"),
        kubeadm_running: false,
    }
}

fn seen_with(states: Vec<ComponentState>, heals: Vec<HealEvent>) -> Vec<Sighting> {
    let survey = cluster_survey();
    let mut now = at(&survey);
    now.components.insert(name("runai-01"), Ok(states));
    now.components.insert(name("runai-02"), Err("its agent is away".into()));
    now.endpoints.insert(name("runai-01"), "10.77.0.11:6443".into());
    let down = |endpoint: &str| Down {
        endpoint: endpoint.into(),
        from: "2025-10-20T19:45:00Z".parse().unwrap(),
        why: "connection refused".into(),
        to: None,
    };
    now.outages = vec![down("10.77.0.11:6443"), down("10.77.0.12:6443")];
    now.heals = heals;
    [IssueName::EtcdServers, IssueName::FeatureGates]
        .into_iter()
        .flat_map(|issue| seen_of(issue, &Recorded::default(), &now))
        .collect()
}

const SERVERS: &str =
    r#"E1020 15:45:29.558679 1 run.go:72] "command failed" err="--etcd-servers must be specified""#;
const GATE: &str =
    r#"Error: invalid argument "X=true" for "--feature-gates" flag: unrecognized feature gate: X"#;

#[test]
fn the_log_line_of_the_container_names_the_issue() {
    let cases = [
        (Component::KubeApiserver, SERVERS, Some(IssueName::EtcdServers)),
        (Component::KubeApiserver, GATE, Some(IssueName::FeatureGates)),
        (Component::KubeScheduler, GATE, Some(IssueName::FeatureGates)),
        // Another reason to end, and a line that only an API server writes.
        (Component::KubeApiserver, "Error: unknown flag: --cloud-provider", None),
        (Component::KubeScheduler, SERVERS, None),
    ];
    for (component, line, wanted) in cases {
        let seen = seen_with(vec![ended(component, line)], vec![]);
        assert_eq!(seen.iter().map(|s| s.issue).next(), wanted, "{line}");
        assert_eq!(seen.len(), usize::from(wanted.is_some()), "{seen:?}");
        let Some(found) = seen.first() else { continue };
        assert_eq!((found.object.as_str(), found.severity), ("node runai-01", Severity::Blocker));
        assert_eq!(found.since, Some("2025-10-20T19:45:00Z".parse().unwrap()));
        let facts: Vec<(&str, &str)> =
            found.evidence.iter().map(|fact| (fact.what.as_str(), fact.source.as_str())).collect();
        assert_eq!(facts[0], (line, format!("log of {component} on runai-01").as_str()));
        assert_eq!(facts[1].0, "last exit code 1, 4 restarts");
        assert_eq!(facts[2], ("connection refused", "endpoint 10.77.0.11:6443"));
    }
}

#[test]
fn a_component_that_serves_again_is_no_sighting_whatever_its_last_log_says() {
    let serving = ComponentState {
        ready: true,
        running: "v1.32.9".parse().ok(),
        ..ended(Component::KubeApiserver, SERVERS)
    };
    assert_eq!(seen_with(vec![serving], vec![]), []);
}

#[test]
fn a_heal_says_what_ended_it() {
    let heal = |rule: &str| HealEvent {
        id: "heal-1".into(),
        node: name("runai-01"),
        file: "kube-apiserver.yaml".into(),
        rules: vec![rule.into()],
        at: "2025-10-20T19:45:01Z".parse().unwrap(),
        latency_us: 900,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: String::new(),
    };
    let seen = seen_with(vec![], vec![heal("etcd-servers-empty"), heal("gate-fatal"), heal("mode")]);
    let told: Vec<_> =
        seen.iter().map(|s| (s.issue, s.severity, s.by.as_ref().unwrap().name.as_str())).collect();
    let by = "podlift-agent";
    assert_eq!(
        told,
        [(IssueName::EtcdServers, Severity::Note, by), (IssueName::FeatureGates, Severity::Note, by)]
    );
    assert_eq!(seen[0].next, "podlift heal diff --id heal-1");
    // A node that crashes again is no healed one.
    let again = seen_with(vec![ended(Component::KubeApiserver, SERVERS)], vec![heal("etcd-servers-empty")]);
    assert!(matches!(&again[..], [one] if one.severity == Severity::Blocker), "{again:?}");
}
