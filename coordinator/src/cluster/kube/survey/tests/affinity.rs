//! Affinity and anti-affinity between pods, as specs of pods have it.

use super::objects::view;
use podlift_engine::placement::PodTerm;
use podlift_engine::survey::{Expression, Selector};
use serde_json::{Value, json};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

fn spec(kind: &str, terms: Value) -> Value {
    json!({"spec": {"affinity": { kind: { REQUIRED: terms }}}})
}

fn labels(key: &str, value: &str) -> Selector {
    Selector { labels: [(key.to_string(), value.to_string())].into(), ..Selector::default() }
}

/// A required term, and what is kept of it.
fn table() -> Vec<(&'static str, Value, Vec<PodTerm>)> {
    let app = json!({"matchLabels": {"app": "web"}});
    let term = |selector: Selector, namespaces: &[&str], key: &str| PodTerm {
        selector,
        namespaces: namespaces.iter().map(ToString::to_string).collect(),
        topology_key: key.into(),
    };
    let tier = json!({"matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"},
    ]});
    let expression = |key: &str, operator: &str, values: &[&str]| Expression {
        key: key.into(),
        operator: operator.into(),
        values: values.iter().map(ToString::to_string).collect(),
    };
    let tiers = Selector {
        expressions: vec![expression("tier", "In", &["a", "b"]), expression("old", "DoesNotExist", &[])],
        ..Selector::default()
    };
    let (host, rack) = ("kubernetes.io/hostname", "topology.kubernetes.io/rack");
    vec![
        (
            "labels",
            json!([{"labelSelector": app, "topologyKey": host}]),
            vec![term(labels("app", "web"), &[], host)],
        ),
        ("expressions", json!([{"labelSelector": tier, "topologyKey": rack}]), vec![term(tiers, &[], rack)]),
        (
            "other namespaces",
            json!([{"labelSelector": app, "namespaces": ["a", "b"], "topologyKey": host}]),
            vec![term(labels("app", "web"), &["a", "b"], host)],
        ),
        (
            "every pod",
            json!([{"labelSelector": {}, "topologyKey": host}]),
            vec![term(Selector::default(), &[], host)],
        ),
        (
            "no pod",
            json!([{"labelSelector": null, "topologyKey": host}]),
            vec![term(Selector { nothing: true, ..Selector::default() }, &[], host)],
        ),
        (
            "two terms, of which one goes by the labels of namespaces",
            json!([{"labelSelector": app, "namespaceSelector": {}, "topologyKey": host}, {"labelSelector": app, "topologyKey": rack}]),
            vec![term(labels("app", "web"), &[], rack)],
        ),
        ("null", json!(null), vec![]),
        ("none", json!([]), vec![]),
    ]
}

#[tokio::test(start_paused = true)]
async fn required_terms_between_pods_are_read() {
    for (what, terms, want) in table() {
        let wish = |of: &str| view(spec(of, terms.clone()));
        let (with, without) = (wish("podAffinity").await.wish, wish("podAntiAffinity").await.wish);
        assert_eq!((with.is_some(), without.is_some()), (!want.is_empty(), !want.is_empty()), "{what}");
        let (with, without) = (with.unwrap_or_default(), without.unwrap_or_default());
        assert_eq!((&with.affinity, with.anti_affinity.len()), (&want, 0), "{what}");
        assert_eq!((without.affinity.len(), &without.anti_affinity), (0, &want), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn preferred_terms_keep_no_pod_away() {
    let preferred = json!([{"weight": 100, "podAffinityTerm": {"labelSelector": {}, "topologyKey": "rack"}}]);
    let pod = json!({"spec": {"affinity": {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}, "podAffinity": null,
    }}});
    assert_eq!(view(pod).await.wish, None);
}
