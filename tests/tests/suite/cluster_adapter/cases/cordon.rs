//! Nodes: read, cordoned, let go.

use crate::cluster_adapter::target::{Target, epoch, node, run};
use http::Method;
use podlift_coordinator::Cluster as _;
use podlift_engine::doors::NodeView;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::FailureClass;
use serde_json::json;

async fn view(t: &Target, name: &str) -> NodeView {
    let reply = t.cluster().look(&ClusterLook::Node { node: node(name) }).await.unwrap();
    let ClusterReply::Node(view) = reply else { panic!("{reply:?}") };
    view
}

fn cordon(name: &str, who: &str) -> ClusterAct {
    ClusterAct::Cordon { node: node(name), run: run(who), from: None, held: vec![] }
}

fn uncordon(name: &str, who: &str) -> ClusterAct {
    ClusterAct::Uncordon { node: node(name), run: run(who) }
}

pub async fn nodes_are_read(t: &Target) {
    t.admin().node("read-1").await;
    let one = view(t, "read-1").await;
    assert!(one.ready && !one.unschedulable && one.cri_socket && !one.control_plane, "{one:?}");
    assert_eq!(one.kubelet.map(|v| v.to_string()).as_deref(), Some("v1.32.13"));
    assert_eq!(one.internal_ip.as_deref(), Some("192.0.2.7"));
    let gone = t.cluster().look(&ClusterLook::Node { node: node("read-2") }).await.unwrap_err();
    assert_eq!((gone.code.as_str(), gone.class), ("node-gone", FailureClass::Operator));
}

pub async fn a_list_goes_on_to_its_last_page(t: &Target) {
    let admin = t.admin();
    for i in 0..501 {
        let object =
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("page-{i:03}")}});
        admin.put("/api/v1/nodes", object).await;
    }
    let ClusterReply::Nodes(all) = t.cluster().look(&ClusterLook::Nodes).await.unwrap() else { panic!() };
    let mine = all.iter().filter(|n| n.name.as_str().starts_with("page-")).count();
    assert_eq!(mine, 501);
    for i in 0..501 {
        admin.remove(&format!("/api/v1/nodes/page-{i:03}")).await;
    }
}

pub async fn a_cordon_carries_its_owner(t: &Target) {
    t.admin().node("owned-1").await;
    t.cluster().act(&cordon("owned-1", "r1"), &epoch(5)).await.unwrap();
    let one = view(t, "owned-1").await;
    let owner = one.owner.unwrap();
    assert!(one.unschedulable);
    assert_eq!((owner.run, owner.epoch), (run("r1"), epoch(5)));
    // Again, and by this run's next coordinator: the owner is renewed.
    t.cluster().act(&cordon("owned-1", "r1"), &epoch(5)).await.unwrap();
    t.cluster().act(&cordon("owned-1", "r1"), &epoch(6)).await.unwrap();
    assert_eq!(view(t, "owned-1").await.owner.unwrap().epoch, epoch(6));
    t.cluster().act(&uncordon("owned-1", "r1"), &epoch(6)).await.unwrap();
    let one = view(t, "owned-1").await;
    assert!(!one.unschedulable && one.owner.is_none(), "{one:?}");
}

pub async fn what_others_cordoned_is_left(t: &Target) {
    let admin = t.admin();
    admin.node("theirs-1").await;
    admin.merge("/api/v1/nodes/theirs-1", json!({"spec": {"unschedulable": true}})).await;
    let refused = t.cluster().act(&cordon("theirs-1", "r1"), &epoch(5)).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.class), ("cordon-foreign", FailureClass::Operator));
    t.cluster().act(&uncordon("theirs-1", "r1"), &epoch(5)).await.unwrap();
    assert!(view(t, "theirs-1").await.unschedulable, "the cordon of another owner stays");
    admin.node("theirs-2").await;
    t.cluster().act(&cordon("theirs-2", "r2"), &epoch(5)).await.unwrap();
    assert_eq!(
        t.cluster().act(&cordon("theirs-2", "r1"), &epoch(5)).await.unwrap_err().code,
        "cordon-foreign"
    );
    t.cluster().act(&uncordon("theirs-2", "r1"), &epoch(5)).await.unwrap();
    assert!(view(t, "theirs-2").await.unschedulable, "another run's cordon stays");
}

pub async fn a_higher_epoch_is_obeyed(t: &Target) {
    t.admin().node("fence-1").await;
    t.cluster().act(&cordon("fence-1", "r1"), &epoch(7)).await.unwrap();
    for call in [cordon("fence-1", "r1"), uncordon("fence-1", "r1")] {
        let refused = t.cluster().act(&call, &epoch(6)).await.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.class), ("fenced", FailureClass::Operator));
    }
    assert!(view(t, "fence-1").await.unschedulable);
}

/// Others write the node all the time: the precondition fails, and the adapter looks again.
pub async fn a_busy_node_is_cordoned_all_the_same(t: &Target) {
    let admin = t.admin();
    admin.node("busy-1").await;
    let stale = admin.get("/api/v1/nodes/busy-1").await.unwrap();
    let writes = async {
        for i in 0..5 {
            admin
                .merge(
                    "/api/v1/nodes/busy-1",
                    json!({"metadata": {"annotations": {"example.io/beat": i.to_string()}}}),
                )
                .await;
        }
    };
    let (cluster, call, ours) = (t.cluster(), cordon("busy-1", "r1"), epoch(5));
    let ((), cordoned) = tokio::join!(writes, cluster.act(&call, &ours));
    cordoned.unwrap();
    assert!(view(t, "busy-1").await.unschedulable);
    let version = stale["metadata"]["resourceVersion"].clone();
    let late = json!({"metadata": {"resourceVersion": version}, "spec": {"unschedulable": null}});
    let answer =
        t.admin().ask(Method::PATCH, "/api/v1/nodes/busy-1", "application/merge-patch+json", &late).await;
    assert_eq!(answer.unwrap_err(), 409, "an old version is no ground to write on");
}
