//! The look at all three components.

use super::pods;
use crate::look;
use crate::testing::{Bench, LIVE_SCHEDULER};
use podlift_host::paths;
use podlift_model::components::ComponentState;
use podlift_model::op::Component;
use podlift_model::{Failure, Look, OpOutput, codes};

async fn components(b: &Bench) -> Result<Vec<ComponentState>, Failure> {
    match look::look(&b.node(), &Look::Components).await? {
        OpOutput::Components(all) => Ok(all),
        other => panic!("{other:?}"),
    }
}

fn bench() -> Bench {
    Bench::new(|call| pods::answer(&pods::at("v1.31.14"), call)).control_plane()
}

#[tokio::test(start_paused = true)]
async fn each_component_by_its_endpoint_and_its_container() {
    let all = components(&bench()).await.unwrap();
    let shown: Vec<_> = all.iter().map(|c| (c.component, c.endpoint.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Component::KubeApiserver, "10.77.0.11:6443"),
            (Component::KubeControllerManager, "127.0.0.1:10257"),
            (Component::KubeScheduler, "127.0.0.1:10259"),
        ]
    );
    for state in all {
        assert!(state.ready && state.flags_match, "{state:?}");
        assert_eq!(state.running.map(|v| v.to_string()).as_deref(), Some("v1.31.14"));
        assert_eq!((state.hash_matches, state.restarts), (Some(true), 2));
        assert_eq!(state.container.as_deref(), Some(state.component.name()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_that_runs_an_older_manifest_is_seen() {
    let b = bench();
    let newer =
        LIVE_SCHEDULER.replace("v1.31.14", "v1.32.13").replace("--leader-elect=true", "--leader-elect=false");
    b.files.put(paths::manifest(Component::KubeScheduler), newer.as_bytes());
    let all = components(&b).await.unwrap();
    let scheduler = &all[2];
    assert_eq!((scheduler.flags_match, scheduler.hash_matches), (false, Some(false)));
    assert_eq!(scheduler.running.map(|v| v.to_string()).as_deref(), Some("v1.31.14"));
    assert!(all[1].flags_match && all[1].hash_matches == Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_component_without_a_health_endpoint_serves_while_it_runs() {
    let text = LIVE_SCHEDULER
        .replace("    - --leader-elect=true\n", "    - --leader-elect=true\n    - --secure-port=0\n");
    let b = bench();
    b.files.put(paths::manifest(Component::KubeScheduler), text.as_bytes());
    let all = components(&b).await.unwrap();
    let scheduler = &all[2];
    assert_eq!((scheduler.endpoint.as_str(), scheduler.ready, scheduler.serves()), ("", false, true));
    assert!(scheduler.answer.contains("--secure-port=0"), "{scheduler:?}");
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_can_not_be_read_fails_the_look() {
    let b = bench();
    b.files.put(paths::manifest(Component::KubeControllerManager), b"nothing");
    let failure = components(&b).await.unwrap_err();
    assert_eq!(failure.code, codes::MANIFEST_UNREADABLE);
    assert!(failure.message.contains("kube-controller-manager.yaml"), "{}", failure.message);
}
