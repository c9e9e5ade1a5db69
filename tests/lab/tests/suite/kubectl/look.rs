//! get, describe, watch.

use super::run::{Kubectl, rows, shape};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_1_32_and_finds_its_server() {
    let k = Kubectl::new(shape()).await;
    let version: Value = serde_json::from_str(&k.ok("version -o json").await).unwrap();
    let client = version["clientVersion"]["minor"].as_str().unwrap();
    assert!(client.starts_with("32"), "kubectl is 1.{client}: name one of 1.32 with KUBECTL");
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.32.9");
    let resources = k.ok("api-resources").await;
    for row in [
        &["nodes", "no", "v1", "false", "Node"][..],
        &["poddisruptionbudgets", "pdb", "policy/v1", "true", "PodDisruptionBudget"],
        &["leases", "coordination.k8s.io/v1", "true", "Lease"],
    ] {
        assert!(rows(&resources).iter().any(|r| r == row), "{row:?}: {resources}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_listed() {
    let k = Kubectl::new(shape()).await;
    let out = k.ok("get nodes").await;
    let nodes = rows(&out);
    assert_eq!(nodes[0], ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]);
    assert_eq!(nodes.len(), 6);
    assert_eq!((&nodes[1][..3], nodes[1][4]), (&["dgx030", "Ready", "<none>"][..], "v1.32.9"));
    assert_eq!(nodes[3][..3], ["runai-01", "Ready", "control-plane"]);
    let out = k.ok("get nodes -o wide").await;
    assert!(
        rows(&out)[0].ends_with(&[
            "INTERNAL-IP",
            "EXTERNAL-IP",
            "OS-IMAGE",
            "KERNEL-VERSION",
            "CONTAINER-RUNTIME"
        ]),
        "{out}"
    );
    let out = k.ok("get nodes -l node-role.kubernetes.io/control-plane -o name").await;
    assert_eq!(out, "node/runai-01\nnode/runai-02\nnode/runai-03\n");
    let out = k
        .ok("get nodes -l !node-role.kubernetes.io/control-plane,kubernetes.io/hostname!=dgx031 -o name")
        .await;
    assert_eq!(out, "node/dgx030\n");
    let node: Value = serde_json::from_str(&k.ok("get node dgx030 -o json").await).unwrap();
    assert_eq!(
        (&node["kind"], &node["status"]["nodeInfo"]["kubeletVersion"]),
        (&"Node".into(), &"v1.32.9".into())
    );
    // Five objects in pages of two.
    assert_eq!(rows(&k.ok("get nodes --chunk-size=2 --no-headers").await).len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_and_the_rest_are_listed() {
    let k = Kubectl::new(shape()).await;
    let out = k.ok("get pods -A -o wide --field-selector spec.nodeName=dgx030").await;
    let pods = rows(&out);
    let head = [
        "NAMESPACE",
        "NAME",
        "READY",
        "STATUS",
        "RESTARTS",
        "AGE",
        "IP",
        "NODE",
        "NOMINATED",
        "NODE",
        "READINESS",
        "GATES",
    ];
    assert_eq!(pods[0], head);
    assert_eq!(pods.len(), 4, "{out}");
    assert!(pods[1..].iter().all(|p| p[2..5] == ["1/1", "Running", "0"] && p[7] == "dgx030"), "{out}");
    let heads = [
        ("deploy -n runai", &["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"][..]),
        ("rs -n runai", &["NAME", "DESIRED", "CURRENT", "READY", "AGE"]),
        (
            "ds -n gpu-operator",
            &["NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE", "SELECTOR", "AGE"],
        ),
        ("svc -n ingress-nginx", &["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]),
        ("cm -n kube-system", &["NAME", "DATA", "AGE"]),
        ("sa -n kube-system", &["NAME", "SECRETS", "AGE"]),
        ("ns", &["NAME", "STATUS", "AGE"]),
        (
            "pdb -n runai",
            &["NAME", "MIN", "AVAILABLE", "MAX", "UNAVAILABLE", "ALLOWED", "DISRUPTIONS", "AGE"],
        ),
    ];
    for (what, head) in heads {
        let out = k.ok(&format!("get {what}")).await;
        assert_eq!(rows(&out)[0], head, "{what}");
    }
    let out = k.ok("get ds -n gpu-operator").await;
    assert_eq!(rows(&out)[1][1..7], ["2", "2", "2", "2", "2", "nvidia.com/gpu.present=true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so() {
    let k = Kubectl::new(shape()).await;
    for (line, want) in [
        ("get node nope", "Error from server (NotFound): nodes \"nope\" not found\n"),
        ("get installations", "error: the server doesn't have a resource type \"installations\"\n"),
        (
            "get nodes --field-selector spec.podCIDR=x",
            "Error from server (BadRequest): Unable to find \"/v1, Resource=nodes\" that match label selector \"\", field selector \"spec.podCIDR=x\": field label not supported: spec.podCIDR\n",
        ),
    ] {
        let ran = k.run(line).await;
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (1, "", want));
    }
    let ran = k.run("--token=wrong get nodes").await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("Forbidden") && ran.err.contains("system:anonymous"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn describe_tells_of_nodes_and_pods() {
    let k = Kubectl::new(shape()).await;
    let event = r#"{"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1", "namespace": "default"}, "involvedObject": {"kind": "Node", "name": "dgx030", "uid": "dgx030"},
        "reason": "NodeReady", "message": "Node dgx030 status is now: NodeReady", "type": "Normal", "count": 1,
        "firstTimestamp": "2025-10-20T15:00:00Z", "lastTimestamp": "2025-10-20T15:00:00Z", "source": {"component": "kubelet"}}"#;
    assert_eq!(k.ok(&format!("create -f {}", k.file("e.json", event))).await, "event/e1 created\n");
    let out = k.ok("describe node dgx030").await;
    for part in [
        "Unschedulable:      false",
        "KubeletReady",
        "Kubelet Version:            v1.32.9",
        "Non-terminated Pods:          (3 in total)",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(out.contains("Node dgx030 status is now: NodeReady"), "events of the node: {out}");
    let name = k.ok("get pods -n runai -o name").await;
    let out = k.ok(&format!("describe -n runai {}", name.lines().next().unwrap())).await;
    for part in [
        "Status:           Running",
        "Controlled By:  ReplicaSet/inference-",
        "QoS Class:                   BestEffort",
        "node.kubernetes.io/not-ready:NoExecute op=Exists for 300s",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let out = k.ok("get events --field-selector involvedObject.name=dgx030").await;
    assert_eq!(rows(&out)[0], ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
    assert_eq!(rows(&out)[1][1..4], ["Normal", "NodeReady", "node/dgx030"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_prints_each_change() {
    let k = Kubectl::new(shape()).await;
    let mut child = k.spawn("get nodes -w");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let limit = std::time::Duration::from_secs(60);
    // The header and the five nodes: only then does it watch.
    for _ in 0..6 {
        tokio::time::timeout(limit, lines.next_line()).await.unwrap().unwrap().unwrap();
    }
    k.ok("cordon dgx031").await;
    let mut seen = String::new();
    while !seen.contains("SchedulingDisabled") {
        seen = tokio::time::timeout(limit, lines.next_line()).await.unwrap().unwrap().unwrap();
    }
    assert_eq!(seen.split_whitespace().take(2).collect::<Vec<_>>(), ["dgx031", "Ready,SchedulingDisabled"]);
    child.kill().await.unwrap();
}
