//! The documents of a real run against the schemas of docs/schemas: what a person's own tools rely on.

use podlift_lab::Shape;
use podlift_tests::cut::Cut;
use podlift_tests::paused;
use podlift_tests::pod::{Pod, why};
use podlift_tests::sabotage::Sabotage;
use serde_json::Value;
use std::path::PathBuf;

/// What is wrong with a document, each line a place.
fn faults(name: &str, document: &Value) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas").join(format!("{name}.json"));
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|e| format!("{name}: {} at {}", e, e.instance_path())).collect()
}

async fn documents() -> Vec<(&'static str, Value)> {
    let mut pod = Pod::new(Shape::default(), Sabotage::None);
    pod.start(Cut::never());
    let run = pod.start_run().await.unwrap();
    let state = pod.rest().await.unwrap();
    assert!(state.is_over(), "{}", why(&state));
    let coordinator = pod.coordinator();
    let mut all = vec![
        ("podlift.report.v1", serde_json::to_value(coordinator.report(Some(&run)).unwrap()).unwrap()),
        ("podlift.status.v1", serde_json::to_value(coordinator.status(Some(&run)).unwrap()).unwrap()),
        ("podlift.plan.v1", serde_json::to_value(state.plan.as_ref()).unwrap()),
    ];
    let events = pod.journal.records();
    all.extend(events.iter().map(|e| ("podlift.event.v1", serde_json::to_value(e).unwrap())));
    all
}

#[test]
fn every_document_of_a_run_has_its_form() {
    let documents = paused(documents());
    assert!(documents.len() > 200, "a run of seven nodes has more than {} documents", documents.len());
    let faults: Vec<String> = documents.iter().flat_map(|(name, doc)| faults(name, doc)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // The schemas are no empty promise: each refuses a document that lacks what it names first.
    for (name, document) in &documents[..3] {
        let mut less = document.clone();
        less.as_object_mut().unwrap().remove("schema");
        assert_eq!(faults_count(name, &less), 1, "{name} does not miss its schema field");
    }
}

fn faults_count(name: &str, document: &Value) -> usize {
    faults(name, document).len()
}
