//! APIs that the next minor removes: requested by clients, or stored.

use super::{Played, SERVER, empty};
use podlift_engine::survey::{DeprecatedUse, StoredVersion};
use serde_json::{Value, json};

const METRICS: &str = r#"# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs
# TYPE apiserver_requested_deprecated_apis gauge
apiserver_requested_deprecated_apis{group="flowcontrol.apiserver.k8s.io",removed_release="1.32",resource="flowschemas",subresource="",version="v1beta3"} 1
apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="status",version="v1"} 1
apiserver_requested_deprecated_apis{group="x",removed_release="1.32",resource="unused",subresource="",version="v1"} 0
apiserver_request_total{code="200",group="",resource="pods"} 4107
apiserver_storage_objects{resource="widgets.example.com"} 3
apiserver_storage_objects{resource="broken.example.com"} -1
apiserver_storage_objects{resource="odd\"name"} 1e+00
"#;

fn with_metrics(text: &str) -> Played {
    empty().text(&format!("{SERVER}/metrics"), 200, text)
}

#[tokio::test(start_paused = true)]
async fn each_server_tells_what_it_was_asked_for_by_itself() {
    let played = with_metrics(METRICS);
    let seen = played.survey().await;
    let uses = seen.deprecated[SERVER].clone().unwrap();
    let used = |group: &str, version: &str, resource: &str, removed: &str| DeprecatedUse {
        group: group.into(),
        version: version.into(),
        resource: resource.into(),
        removed_release: removed.into(),
    };
    let expected = [
        used("flowcontrol.apiserver.k8s.io", "v1beta3", "flowschemas", "1.32"),
        used("", "v1", "componentstatuses/status", ""),
    ];
    assert_eq!(uses, expected);
    let metrics: Vec<_> = played.asked().into_iter().filter(|a| a.contains("/metrics")).collect();
    assert_eq!(metrics, [format!("{SERVER}/metrics")], "never through the proxy");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_says_why() {
    let seen = empty().text(&format!("{SERVER}/metrics"), 403, "forbidden").survey().await;
    assert!(seen.deprecated[SERVER].as_ref().unwrap_err().contains("403"));
    assert_eq!(seen.stored, Ok(vec![]));
}

fn definition(name: &str, versions: &[&str], stored: &[&str]) -> Value {
    let versions: Vec<Value> = versions.iter().map(|v| json!({"name": v, "served": true})).collect();
    json!({"metadata": {"name": name}, "spec": {"versions": versions}, "status": {"storedVersions": stored}})
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[tokio::test(start_paused = true)]
async fn versions_that_a_definition_has_no_longer_are_found() {
    let widgets = definition("widgets.example.com", &["v1"], &["v1alpha1", "v1"]);
    let fine = definition("fine.example.com", &["v1", "v1beta1"], &["v1beta1", "v1"]);
    let seen = with_metrics(METRICS).list(DEFINITIONS, &[widgets.clone(), fine.clone()]).survey().await;
    let expected =
        StoredVersion { resource: "widgets.example.com".into(), version: "v1alpha1".into(), objects: 3 };
    assert_eq!(seen.stored, Ok(vec![expected]));
    // No server counts the objects. An unknown number must not become zero.
    let why = empty().list(DEFINITIONS, &[widgets]).survey().await.stored.unwrap_err();
    assert!(why.contains("widgets.example.com"), "{why}");
    assert_eq!(empty().list(DEFINITIONS, &[fine]).survey().await.stored, Ok(vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_the_next_minor_lost_is_counted_and_what_later_ones_lose_is_not() {
    let path = "/apis/coordination.k8s.io/v1alpha1/leasecandidates";
    let seen = empty().list(path, &[json!({}), json!({})]).survey().await;
    let expected = StoredVersion {
        resource: "leasecandidates.coordination.k8s.io".into(),
        version: "coordination.k8s.io/v1alpha1".into(),
        objects: 2,
    };
    assert_eq!(seen.stored, Ok(vec![expected]));
    let earlier = empty().list(path, &[json!({})]).on("/version", json!({"major": "1", "minor": "30+"}));
    assert_eq!(earlier.survey().await.stored, Ok(vec![]));
}
