use super::age::between;
use super::*;

const NOW: Now = Now(Timestamp::UNIX_EPOCH);

fn cells(group: &str, resource: &str, v: &Value) -> Vec<Value> {
    let kind = crate::objects::kinds::find(group, "v1", resource).unwrap();
    (printer(kind).cells)(v, NOW)
}

#[test]
fn ages() {
    for (seconds, want) in [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (3600, "60m"),
        (10_800, "3h"),
        (10_860, "3h1m"),
        (28_800, "8h"),
        (172_800, "2d"),
        (176_400, "2d1h"),
        (691_200, "8d"),
        (63_072_000, "2y"),
        (63_158_400, "2y1d"),
        (252_288_000, "8y"),
    ] {
        assert_eq!(between(seconds), want, "{seconds}");
    }
}

#[test]
fn nodes_and_pods_read_as_kubectl_prints_them() {
    let node = json!({"metadata": {"name": "a", "creationTimestamp": "1970-01-01T00:00:00Z",
        "labels": {"node-role.kubernetes.io/control-plane": "", "node-role.kubernetes.io/etcd": ""}},
        "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}],
        "nodeInfo": {"kubeletVersion": "v1"}, "addresses": [{"type": "InternalIP", "address": "1.2.3.4"}]}});
    let row = cells("", "nodes", &node);
    assert_eq!(
        row[..6],
        ["a", "NotReady,SchedulingDisabled", "control-plane,etcd", "0s", "v1", "1.2.3.4"].map(|t| json!(t))
    );
    assert_eq!(row.len(), printer(crate::objects::kinds::find("", "v1", "nodes").unwrap()).columns.len());
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{}, {}], "nodeName": "a"}, "status": {"phase": "Running",
        "containerStatuses": [{"ready": true, "restartCount": 2, "state": {"running": {}},
            "lastState": {"terminated": {"finishedAt": "1969-12-31T23:59:00Z"}}},
            {"ready": false, "restartCount": 0, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    let row = cells("", "pods", &pod);
    assert_eq!(row[..4], ["p", "1/2", "CrashLoopBackOff", "2 (60s ago)"].map(|t| json!(t)));
    let service = json!({"metadata": {"name": "s"}, "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9",
        "ports": [{"port": 443, "nodePort": 30443, "protocol": "TCP"}]}, "status": {"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}]}}});
    assert_eq!(
        cells("", "services", &service)[1..5],
        ["LoadBalancer", "10.96.0.9", "9.9.9.9", "443:30443/TCP"].map(|t| json!(t))
    );
}

#[test]
fn rows_have_a_cell_for_each_column() {
    for kind in crate::objects::kinds::all().iter().filter(|k| k.stored()) {
        let p = printer(kind);
        assert_eq!((p.cells)(&json!({}), NOW).len(), p.columns.len(), "{}", kind.kind);
    }
}
