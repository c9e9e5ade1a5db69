//! Images of a control-plane node and of a worker, with the answers of crictl, ctr, containerd and kubeadm.

use super::*;
use crate::survey::tests::Bench;
use podlift_host::testing::{exited, said};
use podlift_host::{CommandError, Files as _, Invocation, Output, paths};
use podlift_model::codes;
use podlift_model::images::Pullable;

const TO: KubeVersion = KubeVersion::new(1, 32, 13);
const DUMP: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"registry.k8s.io/pause:3.8\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d:/etc/docker/certs.d\"\n";
const HERE: &str = r#"{"images":[
  {"id":"sha256:1","repoTags":["registry.k8s.io/kube-apiserver:v1.32.13"],"repoDigests":[],"pinned":false},
  {"id":"sha256:2","repoTags":["registry.k8s.io/pause:3.8"],"repoDigests":[],"pinned":true}]}"#;
const FILESYSTEM: &str = r#"{"status":{"imageFilesystems":[{"timestamp":"1","fsId":{"mountpoint":"/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"},"usedBytes":{"value":"7"},"inodesUsed":{"value":"1"}}],"containerFilesystems":[]}}"#;
const LIST: &str = "registry.k8s.io/kube-apiserver:v1.32.13\nregistry.k8s.io/coredns/coredns:v1.11.3\nregistry.k8s.io/pause:3.10\nregistry.k8s.io/etcd:3.5.24-0\n";

/// A node whose kubeadm is the older one.
fn answer(call: &Invocation) -> Result<Output, CommandError> {
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    match (call.program, words.as_slice()) {
        ("crictl", ["images", ..]) => said(HERE),
        ("crictl", ["imagefsinfo", ..]) => said(FILESYSTEM),
        ("crictl", ["ps", ..]) => said(r#"{"containers":[]}"#),
        ("containerd", ["config", "dump"]) => said(DUMP),
        ("kubeadm", ["version", ..]) => said("v1.31.14\n"),
        (program, ["config", "images", "list", ..]) if program == paths::UNPACKED_KUBEADM => said(LIST),
        ("dpkg-deb", _) => said(""),
        _ => exited(1, "nothing here"),
    }
}

fn bench(answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static) -> Bench {
    Bench::new(answer).put(paths::KUBELET_CONFIG, "imageGCHighThresholdPercent: 70\n")
}

fn shown(state: &ImagesState) -> Vec<(String, ImageRole, bool, bool)> {
    state.needed.iter().map(|i| (i.image.clone(), i.role, i.present, i.pinned)).collect()
}

#[tokio::test]
async fn the_list_is_of_a_downloaded_kubeadm_and_is_kept() {
    let deb = format!("{}/kubeadm_1.32.13-1.1_amd64.deb", paths::APT_ARCHIVES);
    let b = bench(answer).control_plane().put(&deb, "deb");
    let state = look(&b.site(), TO).await.unwrap();
    let registry = |name: &str| format!("registry.k8s.io/{name}");
    assert_eq!(
        shown(&state),
        [
            (registry("kube-apiserver:v1.32.13"), ImageRole::KubeApiserver, true, false),
            (registry("coredns/coredns:v1.11.3"), ImageRole::Coredns, false, false),
            (registry("pause:3.10"), ImageRole::Pause, false, false),
            (registry("pause:3.8"), ImageRole::Sandbox, true, true),
        ],
        "etcd is no static pod of this node"
    );
    assert_eq!((state.unseen.len(), state.lacking().count()), (0, 0));
    let disk = state.filesystem.unwrap();
    assert_eq!((disk.used_percent, disk.high_threshold_percent, disk.low_threshold_percent), (75, 70, 80));
    assert!(disk.collects());
    let unpacked = b.fakes.commands.count("dpkg-deb");
    b.fakes.files.remove(deb.as_ref()).unwrap();
    assert_eq!(look(&b.site(), TO).await.unwrap().needed, state.needed);
    assert_eq!(b.fakes.commands.count("dpkg-deb"), unpacked, "the kept list is enough");
}

#[tokio::test]
async fn names_that_the_cluster_sets_apart_are_kept_for_the_time_without_an_api() {
    let b = bench(|call| match (call.program, call.args[0].as_str()) {
        ("kubeadm", "version") => said("v1.32.13\n"),
        ("kubeadm", "config") => said(LIST),
        ("kubectl", _) => said("dns:\n  imageRepository: harbor.local/dns\n"),
        _ => answer(call),
    });
    let b = b.control_plane();
    let dns = |state: &ImagesState| state.needed[1].image.clone();
    let own = "harbor.local/dns/coredns:v1.11.3";
    assert_eq!(dns(&look(&b.site(), TO).await.unwrap()), own);
    let kept = b.fakes.files.text(paths::image_list(TO));
    let away = bench(|call| match (call.program, call.args[0].as_str()) {
        ("kubeadm", "version") => said("v1.32.13\n"),
        ("kubeadm", "config") => said(LIST),
        _ => answer(call),
    });
    let away = away.control_plane().put(&paths::image_list(TO).display().to_string(), &kept);
    assert_eq!(dns(&look(&away.site(), TO).await.unwrap()), own);
}

#[tokio::test]
async fn without_a_kubeadm_of_the_target_the_list_is_not_guessed() {
    let b = bench(answer).control_plane();
    assert_eq!(look(&b.site(), TO).await.unwrap_err().code, codes::IMAGE_LIST_UNKNOWN);
    // A list that was kept for another registry is of no use.
    let kept = "harbor.local/k8s\nharbor.local/k8s/pause:3.10\n";
    let b = b.put(&paths::image_list(TO).display().to_string(), kept);
    assert_eq!(look(&b.site(), TO).await.unwrap_err().code, codes::IMAGE_LIST_UNKNOWN);
}

#[tokio::test]
async fn a_runtime_without_a_known_sandbox_image_is_reported() {
    let b = bench(|call| match call.program {
        "containerd" => exited(127, "not found"),
        _ => answer(call),
    });
    let state = look(&b.site(), TO).await.unwrap();
    assert!(state.needed.is_empty(), "{state:?}");
    assert!(state.unseen[0].starts_with("the sandbox image: "), "{:?}", state.unseen);
}

#[tokio::test]
async fn a_worker_needs_the_kube_proxy_that_it_runs_and_the_sandbox_image() {
    let b = bench(|call| match call.args[0].as_str() {
        "ps" => said(
            r#"{"containers":[{"id":"p","metadata":{"name":"kube-proxy","attempt":0},"state":"CONTAINER_RUNNING","createdAt":"9"}]}"#,
        ),
        "inspect" => said(
            r#"{"status":{"state":"CONTAINER_RUNNING","image":{"image":"harbor.local:5000/k8s/kube-proxy:v1.31.14"}}}"#,
        ),
        _ => answer(call),
    });
    let state = look(&b.site(), TO).await.unwrap();
    assert_eq!(
        shown(&state),
        [
            ("harbor.local:5000/k8s/kube-proxy:v1.32.13".to_string(), ImageRole::KubeProxy, false, false),
            ("registry.k8s.io/pause:3.8".to_string(), ImageRole::Sandbox, true, true),
        ]
    );
}

/// What the plan says of one absent image, with this answer of `ctr`.
async fn pull(
    dump: &'static str,
    ctr: impl Fn() -> Result<Output, CommandError> + Send + Sync + 'static,
) -> (Option<Pullable>, usize) {
    let b = bench(move |call| match (call.program, call.args[0].as_str()) {
        ("ctr", "content") => ctr(),
        ("containerd", "config") => said(dump),
        _ => answer(call),
    });
    let b = b.put("/etc/containerd/certs.d/registry.k8s.io/hosts.toml", "");
    let wanted = ["registry.k8s.io/kube-apiserver:v1.32.13", "registry.k8s.io/a:1", "registry.k8s.io/b:1"];
    let wanted = wanted.map(String::from).to_vec();
    let state = of(&b.site(), wanted, &Err("x".into()), Ask::Registry).await.unwrap();
    assert_eq!(state.needed[0].pull, None, "it is on the node");
    let calls = b.fakes.commands.calls();
    let asked = calls
        .iter()
        .filter(|c| c.starts_with("ctr content fetch-object --hosts-dir /etc/containerd/certs.d "));
    (state.needed[1].pull.clone(), asked.count())
}

#[tokio::test]
async fn the_registry_is_asked_for_what_is_absent() {
    assert_eq!(pull(DUMP, || said("{}")).await, (Some(Pullable::Yes), 2));
    let missing =
        "ctr: failed to resolve reference \"registry.k8s.io/a:1\": registry.k8s.io/a:1: not found\n";
    let (answer, asked) = pull(DUMP, move || exited(1, missing)).await;
    assert!(matches!(&answer, Some(Pullable::No(why)) if why.ends_with("not found")), "{answer:?}");
    assert_eq!(asked, 2, "another image may be there");
    let dark = "ctr: failed to resolve reference \"registry.k8s.io/a:1\": failed to do request: Head \"https://registry.k8s.io/v2/a/manifests/1\": dial tcp: lookup registry.k8s.io: no such host\n";
    let (answer, asked) = pull(DUMP, move || exited(1, dark)).await;
    assert!(matches!(&answer, Some(Pullable::No(why)) if why.contains("no such host")), "{answer:?}");
    assert_eq!(asked, 1, "a registry that can't be reached is asked once");
    let closed = "ctr: failed to resolve reference: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed\n";
    let (answer, _) = pull(DUMP, move || exited(1, closed)).await;
    assert!(matches!(answer, Some(Pullable::Unknown(_))), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_proves_nothing_where_containerd_has_mirrors_of_its_own() {
    const OWN: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/etc/containerd/certs.d\"\n[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"registry.k8s.io\"]\nendpoint = [\"http://mirror\"]\n";
    let (answer, _) = pull(OWN, || exited(1, "ctr: dial tcp: no such host\n")).await;
    assert!(matches!(&answer, Some(Pullable::Unknown(why)) if why.contains("no such host")), "{answer:?}");
    let command_missing = || Err(CommandError::NotFound { program: "ctr".into(), path: "/usr/bin".into() });
    assert!(matches!(pull(DUMP, command_missing).await.0, Some(Pullable::Unknown(_))));
}
