//! apply both ways, label, annotate, delete.

use super::run::{Kubectl, rows, shape};
use serde_json::Value;

fn map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: notes\n  namespace: runai\ndata:\n{data}")
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_creates_changes_and_takes_away() {
    let k = Kubectl::new(shape()).await;
    let file = k.file("notes.yaml", &map("  a: \"1\"\n  b: \"2\"\n"));
    assert_eq!(
        k.ok(&format!("apply -f {file} --dry-run=server")).await,
        "configmap/notes created (server dry run)\n"
    );
    assert_eq!(k.run("get cm -n runai notes").await.code, 1, "a dry run changes nothing");
    assert_eq!(k.ok(&format!("apply -f {file}")).await, "configmap/notes created\n");
    assert_eq!(k.ok(&format!("apply -f {file}")).await, "configmap/notes unchanged\n");
    k.ok("patch cm notes -n runai --type merge -p {\"data\":{\"c\":\"3\"}}").await;
    let file = k.file("notes.yaml", &map("  a: \"9\"\n"));
    assert_eq!(k.ok(&format!("apply -f {file}")).await, "configmap/notes configured\n");
    let v: Value = serde_json::from_str(&k.ok("get cm notes -n runai -o json").await).unwrap();
    assert_eq!(
        v["data"],
        serde_json::json!({"a": "9", "c": "3"}),
        "b was applied and goes, c was not and stays"
    );
    assert!(k.ok(&format!("diff -f {file}")).await.is_empty());
    assert_eq!(k.ok(&format!("delete -f {file}")).await, "configmap \"notes\" deleted\n");
    assert_eq!(k.run("get cm -n runai notes").await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_side_apply_tells_of_conflicts() {
    let k = Kubectl::new(shape()).await;
    let file = k.file("notes.yaml", &map("  a: \"1\"\n  b: \"2\"\n"));
    assert_eq!(k.ok(&format!("apply --server-side -f {file}")).await, "configmap/notes serverside-applied\n");
    let other = k.file("other.yaml", &map("  a: \"7\"\n"));
    let ran = k.run(&format!("apply --server-side --field-manager=other -f {other}")).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("Apply failed with 1 conflict: conflict with \"kubectl\" using v1: .data.a"),
        "{}",
        ran.err
    );
    k.ok(&format!("apply --server-side --field-manager=other --force-conflicts -f {other}")).await;
    let file = k.file("notes.yaml", &map("  c: \"3\"\n"));
    k.ok(&format!("apply --server-side -f {file}")).await;
    let v: Value =
        serde_json::from_str(&k.ok("get cm notes -n runai -o json --show-managed-fields").await).unwrap();
    assert_eq!(v["data"], serde_json::json!({"a": "7", "c": "3"}));
    let managers: Vec<&str> = v["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| f["manager"].as_str())
        .collect();
    assert_eq!(managers, ["kubectl", "other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_files_are_refused_as_a_real_server_refuses_them() {
    let k = Kubectl::new(shape()).await;
    let file = k.file(
        "typo.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: typo\n  namespace: runai\ndataa:\n  a: b\n",
    );
    let ran = k.run(&format!("apply -f {file}")).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("strict decoding error: unknown field \"dataa\""), "{}", ran.err);
    let ran = k.run(&format!("apply --validate=warn -f {file}")).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, "configmap/typo created\n"));
    assert!(ran.err.contains("Warning: unknown field \"dataa\""), "{}", ran.err);
    let file = k.file(
        "nowhere.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: nowhere\n",
    );
    let ran = k.run(&format!("create -f {file}")).await;
    assert!(ran.code == 1 && ran.err.contains("namespaces \"nowhere\" not found"), "{}", ran.err);
    let file = k.file(
        "bad.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Bad_Name\n  namespace: runai\n",
    );
    let ran = k.run(&format!("create -f {file}")).await;
    assert!(
        ran.code == 1 && ran.err.contains("is invalid: metadata.name: Invalid value: \"Bad_Name\""),
        "{}",
        ran.err
    );
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: runai\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      terminationGracePeriodSeconds: 1\n      containers:\n      - name: c\n        image: registry.k8s.io/pause:3.10\n        env:\n        - name: A\n          value: \"1\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_applied_changed_and_deleted() {
    let k = Kubectl::new(shape()).await;
    let file = k.file("web.yaml", WEB);
    assert_eq!(k.ok(&format!("apply -f {file}")).await, "deployment.apps/web created\n");
    k.ok("wait -n runai deploy/web --for=jsonpath={.status.readyReplicas}=2 --timeout=50s").await;
    let file = k
        .file("web.yaml", &WEB.replace("value: \"1\"", "value: \"2\"").replace("replicas: 2", "replicas: 1"));
    assert_eq!(k.ok(&format!("apply -f {file}")).await, "deployment.apps/web configured\n");
    assert_eq!(k.ok(&format!("apply -f {file}")).await, "deployment.apps/web unchanged\n");
    let ready = |s: &podlift_lab::world::State| {
        let mine = |p: &serde_json::Value| p["metadata"]["labels"]["app"] == "web";
        let pods: Vec<_> = s.api.pods().filter(|(_, p)| mine(p)).map(|(_, p)| p).collect();
        pods.len() == 1
            && pods[0]["spec"]["containers"][0]["env"][0]["value"] == "2"
            && pods[0]["status"]["phase"] == "Running"
    };
    k.world.until(ready).await;
    assert_eq!(
        k.ok("get deploy web -n runai -o jsonpath={.spec.template.spec.containers[0].env}").await,
        r#"[{"name":"A","value":"2"}]"#
    );
    assert_eq!(k.ok(&format!("delete -f {file}")).await, "deployment.apps \"web\" deleted\n");
    k.world.until(|s| !s.api.pods().any(|(k, _)| k.name.starts_with("web-"))).await;
    assert!(!k.ok("get rs -n runai").await.contains("web-"), "its ReplicaSets go too");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_and_annotations_come_and_go() {
    let k = Kubectl::new(shape()).await;
    assert_eq!(k.ok("label node dgx030 rack=a1").await, "node/dgx030 labeled\n");
    let ran = k.run("label node dgx030 rack=a2").await;
    assert!(ran.code == 1 && ran.err.contains("already has a value (a1)"), "{}", ran.err);
    assert_eq!(k.ok("label node dgx030 rack=a2 --overwrite").await, "node/dgx030 labeled\n");
    assert_eq!(k.ok("get nodes -l rack=a2 -o name").await, "node/dgx030\n");
    assert_eq!(k.ok("label node dgx030 rack-").await, "node/dgx030 unlabeled\n");
    assert_eq!(k.ok("annotate node dgx030 example.io/why=night").await, "node/dgx030 annotated\n");
    let shown = k.ok("get node dgx030 -o jsonpath={.metadata.annotations.example\\.io/why}").await;
    assert_eq!(shown, "night");
    assert_eq!(k.ok("taint node dgx030 a=b:NoSchedule").await, "node/dgx030 tainted\n");
    assert_eq!(k.ok("get node dgx030 -o jsonpath={.spec.taints[0].key}").await, "a");
    assert_eq!(k.ok("taint node dgx030 a:NoSchedule-").await, "node/dgx030 untainted\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_is_waited_for_and_made_again() {
    let k = Kubectl::new(shape()).await;
    let before = k.ok("get pods -n runai -o name").await;
    let pod = before.lines().next().unwrap();
    let name = pod.trim_start_matches("pod/");
    assert_eq!(k.ok(&format!("delete -n runai {pod}")).await, format!("pod \"{name}\" deleted\n"));
    assert_eq!(k.run(&format!("get -n runai {pod}")).await.code, 1, "delete waits until it is gone");
    k.world
        .until(|s| {
            s.api.pods().filter(|(p, v)| p.namespace == "runai" && v["status"]["phase"] == "Running").count()
                == 2
        })
        .await;
    let after = k.ok("get pods -n runai").await;
    assert!(!after.contains(name) && rows(&after).len() == 3, "{after}");
}
