//! What is learned, and what never is.

use super::learn;
use crate::heal::Expectations;
use crate::paths;
use crate::testing::{Bench, EMPTY_API, LIVE_API, exited, said};
use podlift_model::Digest;
use podlift_model::op::Component;

const SERVERS: &str = "https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379";

/// An API server whose container runs with the flags of `manifest`, and an etcd of `cluster`.
fn world(manifest: &'static str, cluster: u64) -> Bench {
    Bench::new(move |call| match (call.program, call.args[0].as_str()) {
        ("crictl", "ps") => said(r#"{"containers":[{"id":"a","metadata":{"name":"kube-apiserver"},"state":"CONTAINER_RUNNING","createdAt":"1"}]}"#),
        ("crictl", "inspect") => {
            let words: Vec<&str> = manifest.lines().filter_map(|l| l.trim().strip_prefix("- ")).filter(|w| w.starts_with("--")).collect();
            said(&serde_json::json!({"status": {"state": "CONTAINER_RUNNING"}, "info": {"runtimeSpec": {"process": {"args": words}}}}).to_string())
        }
        ("etcdctl", _) => said(&format!("{{\"header\":{{\"cluster_id\":{cluster}}},\"members\":[]}}")),
        _ => exited(1, ""),
    })
    .control_plane()
}

#[tokio::test(start_paused = true)]
async fn learns_while_ready_with_the_flags_on_the_disk() {
    let b = world(LIVE_API, 0xabc);
    let node = b.node();
    learn(&node).await;
    let learned = node.heal.expectations().unwrap();
    assert_eq!((learned.etcd_servers.as_str(), learned.etcd_cluster.as_deref()), (SERVERS, Some("abc")));
    assert_eq!(learned.learned_from, Digest::of(LIVE_API));
    let good = node.heal.facts().files.iter().filter(|file| file.good.len() == 1).count();
    assert_eq!(good, 3);
    assert_eq!(b.node().heal.expectations().unwrap().etcd_servers, SERVERS, "after a restart too");
}

#[tokio::test(start_paused = true)]
async fn never_learns_what_does_not_run_nor_another_cluster() {
    let b = world(LIVE_API, 0xabc);
    let other = LIVE_API.replace("https://10.77.0.13:2379", "https://10.77.0.99:2379");
    b.files.put(paths::manifest(Component::KubeApiserver), other.as_bytes());
    let node = b.node();
    learn(&node).await;
    assert_eq!(node.heal.expectations(), None, "the container runs with other flags");

    let moved = world(LIVE_API, 0xdef);
    let node = moved.node();
    let expectations = Expectations {
        etcd_servers: SERVERS.into(),
        etcd_cluster: Some("abc".into()),
        learned_from: Digest::of(LIVE_API),
        at: moved.host.clock.now(),
    };
    node.heal.set_expectations(expectations).unwrap();
    learn(&node).await;
    moved.files.put(paths::manifest(Component::KubeApiserver), EMPTY_API.as_bytes());
    node.heal.look_at_all();
    assert_eq!(
        moved.files.text(paths::manifest(Component::KubeApiserver)),
        EMPTY_API,
        "somebody moved etcd: nothing is put there"
    );
}
