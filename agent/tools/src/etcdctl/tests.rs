//! Calls of etcdctl, and its real output.

use super::answer::{go_millis, parse};
use super::*;
use podlift_heal::manifest::Manifest;
use podlift_host::testing::{Fakes, said};
use podlift_model::ClusterName;
use podlift_model::op::Component;

const TRANSCRIPT: &str = include_str!("../../../../tests/fixtures/transcripts/etcd-transcript.txt");

fn answer(command: &str) -> &'static str {
    let (_, rest) = TRANSCRIPT.split_once(&format!("$ etcdctl {command} -w json\n")).unwrap();
    rest.lines().next().unwrap()
}

#[test]
fn durations_of_go() {
    let cases = [
        ("2.345678ms", Some(3)),
        ("850.1µs", Some(1)),
        ("1.5s", Some(1500)),
        ("1m2.5s", Some(62_500)),
        ("", None),
        ("fast", None),
        ("3", None),
    ];
    for (text, want) in cases {
        assert_eq!(go_millis(text), want, "{text}");
    }
}

#[test]
fn reads_what_etcdctl_printed() {
    let members: Members = parse(answer("member list"), "x").unwrap();
    assert_eq!(format!("{:x}", members.header.cluster_id), "eed650fd254a89ea");
    assert_eq!(members.members[2].client_urls, ["https://10.77.0.13:2379"]);
    let status: Vec<EndpointStatus> = parse(answer("endpoint status --cluster"), "x").unwrap();
    assert_eq!(
        (status.len(), status[1].status.header.revision, status[1].status.version.as_str()),
        (3, 4107, "3.5.26")
    );
}

#[test]
fn flags_of_the_manifest_are_used_and_an_empty_list_is_filled() {
    let text =
        include_str!("../../../../tests/fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml");
    let manifest = Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap();
    let fakes = Fakes::new(|_| said(""));
    let cluster: ClusterName = "runaicluster".parse().unwrap();
    assert_eq!(Access::of_manifest(&fakes.host, &cluster, &manifest, None), None);
    let access =
        Access::of_manifest(&fakes.host, &cluster, &manifest, Some("https://a:2379,https://b:2379")).unwrap();
    let call = access.call(&["member", "list"]);
    assert_eq!(call.args[0], "--endpoints=https://a:2379,https://b:2379");
    assert_eq!(call.args[1], "--cacert=/etc/kubernetes/pki/runaicluster/etcd/ca.crt");
    assert_eq!(call.env[1], ("ETCDCTL_API", "3".to_string()));
}

fn api(flags: &[&str]) -> Manifest {
    let words: String = flags.iter().map(|f| format!("    - '{f}'\n")).collect();
    let text = format!(
        "spec:\n  containers:\n  - name: kube-apiserver\n    image: x:v1.31.9\n    command:\n    - kube-apiserver\n{words}"
    );
    Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap()
}

fn cluster() -> ClusterName {
    "runaicluster".parse().unwrap()
}

#[test]
fn endpoints_in_each_of_their_forms() {
    let tls = ["--etcd-cafile=/x/ca", "--etcd-certfile=/x/crt", "--etcd-keyfile=/x/key"];
    let cases: [(&str, &[&str], bool); 7] = [
        ("https://127.0.0.1:2379/", &["https://127.0.0.1:2379"], true),
        ("https://[::1]:2379", &["https://[::1]:2379"], true),
        (
            "https://[fd00:77::21]:2379/,https://[fd00:77::22]:2379",
            &["https://[fd00:77::21]:2379", "https://[fd00:77::22]:2379"],
            true,
        ),
        ("http://[fd00:77::21]:2379", &["http://[fd00:77::21]:2379"], false),
        ("unix:///var/run/etcd.sock", &["unix:///var/run/etcd.sock"], false),
        ("unixs:///var/run/etcd.sock:0", &["unixs:///var/run/etcd.sock:0"], true),
        ("https://$(POD_IP):2379,https://10.77.0.11:2379", &["https://10.77.0.11:2379"], true),
    ];
    let fakes = Fakes::new(|_| said(""));
    for (servers, want, secured) in cases {
        let flag = format!("--etcd-servers={servers}");
        let manifest = api(&[&[flag.as_str()], tls.as_slice()].concat());
        let access = Access::of_manifest(&fakes.host, &cluster(), &manifest, None).unwrap();
        assert_eq!(access.endpoints, want, "{servers}");
        assert_eq!(access.tls.len(), if secured { 3 } else { 0 }, "{servers}");
        assert_eq!(
            access.at("https://b:2379/, https://c:2379").endpoints,
            ["https://b:2379", "https://c:2379"]
        );
    }
    let unknown = api(&["--etcd-servers=https://$(POD_IP):2379"]);
    assert_eq!(Access::of_manifest(&fakes.host, &cluster(), &unknown, None), None);
}

/// A resource and its endpoints.
type Store = (&'static str, &'static [&'static str]);

#[test]
fn stores_of_single_resources() {
    let cases: [(&[&str], &[Store]); 5] = [
        (&[], &[]),
        (
            &[
                "--etcd-servers-overrides=/events#https://a:2379;https://b:2379/,apps/deployments#https://[fd00::1]:2379",
            ],
            &[
                ("/events", &["https://a:2379", "https://b:2379"]),
                ("apps/deployments", &["https://[fd00::1]:2379"]),
            ],
        ),
        (
            &[
                "--etcd-servers-overrides=/events#https://a:2379",
                "--etcd_servers_overrides",
                "coordination.k8s.io/leases#https://b:2379",
            ],
            &[("/events", &["https://a:2379"]), ("coordination.k8s.io/leases", &["https://b:2379"])],
        ),
        (&["--etcd-servers-overrides=/events#,/x"], &[]),
        (&["--etcd-servers-overrides="], &[]),
    ];
    let fakes = Fakes::new(|_| said(""));
    for (flags, want) in cases {
        let manifest = api(&[&["--etcd-servers=https://m:2379", "--etcd-cafile=/x/ca"], flags].concat());
        let found = Access::overrides(&fakes.host, &cluster(), &manifest);
        let shown: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|(r, a)| (r.as_str(), a.endpoints.iter().map(String::as_str).collect()))
            .collect();
        let want: Vec<(&str, Vec<&str>)> = want.iter().map(|(r, e)| (*r, e.to_vec())).collect();
        assert_eq!(shown, want, "{flags:?}");
        assert!(found.iter().all(|(_, a)| a.tls == ["--cacert=/x/ca"]), "{flags:?}");
    }
}

#[test]
fn stacked_etcd_with_a_slash_and_by_ipv6() {
    let slash = include_str!("../../../../tests/fixtures/cases/18-ipv6-or-slash-local-etcd/live-slash.yaml");
    let ipv6 = include_str!("../../../../tests/fixtures/cases/18-ipv6-or-slash-local-etcd/live-ipv6.yaml");
    let fakes = Fakes::new(|_| said(""));
    for (text, want) in [(slash, "https://127.0.0.1:2379"), (ipv6, "https://[::1]:2379")] {
        let manifest = Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap();
        let access = Access::of_manifest(&fakes.host, &cluster(), &manifest, None).unwrap();
        assert_eq!(access.call(&["member", "list"]).args[0], format!("--endpoints={want}"));
        assert_eq!(access.tls.len(), 3);
    }
}

/// Answers like etcdctl: for each endpoint that is up its cluster; exit code 1 if one is down.
fn members_of(clusters: &'static [(&'static str, u64)]) -> Fakes {
    Fakes::new(move |call| {
        let asked = call.args[0].strip_prefix("--endpoints=").unwrap().to_string();
        let up = asked.split(',').filter_map(|e| clusters.iter().find(|(known, _)| *known == e));
        let status: Vec<String> = up
            .map(|(e, id)| format!(r#"{{"Endpoint":"{e}","Status":{{"header":{{"cluster_id":{id},"revision":7}},"version":"3.5.26"}}}}"#))
            .collect();
        let all = status.len() == asked.split(',').count();
        let stdout = if status.is_empty() { "null".to_string() } else { format!("[{}]", status.join(",")) };
        let stderr = if all { "" } else { "Failed to get the status of endpoint" };
        Ok(podlift_host::Output { code: i32::from(!all), stdout, stderr: stderr.into() })
    })
}

#[tokio::test]
async fn a_list_that_mixes_two_clusters_has_no_id() {
    const OLD_AND_NEW: &[(&str, u64)] =
        &[("https://a:2379", 16), ("https://b:2379", 16), ("https://n:2379", 17)];
    let fakes = members_of(OLD_AND_NEW);
    let id = async |servers: &str| {
        let manifest = api(&[&format!("--etcd-servers={servers}")]);
        let access = Access::of_manifest(&fakes.host, &cluster(), &manifest, None).unwrap();
        access.cluster_id(&fakes.host).await.map_err(|f| (f.code, f.message))
    };
    assert_eq!(id("https://a:2379,https://b:2379").await, Ok("10".into()));
    assert_eq!(id("https://a:2379/,https://down:2379").await, Ok("10".into()), "who is down does not matter");
    assert_eq!(id("https://n:2379").await, Ok("11".into()));
    let (code, message) = id("https://a:2379,https://b:2379,https://n:2379").await.unwrap_err();
    assert_eq!(code, "etcd-mixed-clusters");
    assert!(
        message.contains("https://a:2379 belongs to cluster 10 and etcd at https://n:2379 to cluster 11"),
        "{message}"
    );
    assert_eq!(id("https://down:2379").await.unwrap_err().0, "etcdctl-failed");
    assert_eq!(fakes.commands.calls().len(), 5, "one command a question");
    assert_eq!(one_cluster(&[]).unwrap_err().code, "etcd-silent");
}
