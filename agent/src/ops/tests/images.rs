//! Staging and releasing images, with a containerd that keeps labels.

use super::{done, fails};
use crate::testing::{Bench, exited, said};
use podlift_host::{CommandError, Invocation, Output};
use podlift_model::{HostOp, KubeVersion, OpOutput, codes};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const TO: KubeVersion = KubeVersion::new(1, 32, 9);
const SANDBOX: &str = "registry.k8s.io/pause:3.8";
const OURS: &str = "podlift.pinned";

/// Images by name, with their labels, and those that the registry has.
#[derive(Default)]
struct Runtime {
    images: BTreeMap<String, BTreeSet<String>>,
    registry: BTreeSet<String>,
    no_ctr: bool,
}

impl Runtime {
    fn answer(&mut self, call: &Invocation) -> Result<Output, CommandError> {
        let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
        match (call.program, words.as_slice()) {
            ("kubeadm", ["version", ..]) => said("v1.32.9\n"),
            ("kubeadm", ["config", ..]) => {
                said("registry.k8s.io/kube-apiserver:v1.32.9\nregistry.k8s.io/kube-proxy:v1.32.9\n")
            }
            ("containerd", _) => {
                said(&format!("[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{SANDBOX}\"\n"))
            }
            ("crictl", ["images", ..]) => {
                let pinned = |labels: &BTreeSet<String>| labels.contains("io.cri-containerd.pinned");
                let all = self.images.iter().map(|(n, l)| json!({"repoTags": [n], "pinned": pinned(l)}));
                said(&json!({"images": all.collect::<Vec<_>>()}).to_string())
            }
            ("crictl", ["pull", image]) => match self.registry.contains(*image) {
                true => {
                    self.images.insert((*image).into(), BTreeSet::new());
                    said("")
                }
                false => exited(1, "dial tcp: lookup registry.k8s.io: no such host"),
            },
            ("ctr", _) if self.no_ctr => {
                Err(CommandError::NotFound { program: "ctr".into(), path: "/usr/bin".into() })
            }
            ("ctr", ["-n", "k8s.io", "images", "ls", "-q", filter]) => {
                let has = |labels: &BTreeSet<String>| labels.iter().any(|l| filter.contains(l.as_str()));
                said(
                    &self
                        .images
                        .iter()
                        .filter(|(_, l)| has(l))
                        .map(|(n, _)| format!("{n}\n"))
                        .collect::<String>(),
                )
            }
            ("ctr", ["-n", "k8s.io", "images", "label", image, labels @ ..]) => {
                let Some(kept) = self.images.get_mut(*image) else { return exited(1, "image not found") };
                for (name, value) in labels.iter().filter_map(|l| l.split_once('=')) {
                    if value.is_empty() {
                        kept.remove(name)
                    } else {
                        kept.insert(name.into())
                    };
                }
                said("")
            }
            _ => exited(1, "nothing here"),
        }
    }
}

fn bench(images: &[&str], registry: &[&str]) -> (Bench, Arc<Mutex<Runtime>>) {
    let runtime = Arc::new(Mutex::new(Runtime {
        images: images.iter().map(|i| ((*i).to_string(), BTreeSet::new())).collect(),
        registry: registry.iter().map(|i| (*i).to_string()).collect(),
        no_ctr: false,
    }));
    let answers = runtime.clone();
    (Bench::new(move |call| answers.lock().unwrap().answer(call)).control_plane(), runtime)
}

const SERVER: &str = "registry.k8s.io/kube-apiserver:v1.32.9";
const PROXY: &str = "registry.k8s.io/kube-proxy:v1.32.9";

fn text(output: OpOutput) -> String {
    match output {
        OpOutput::Changed(text) | OpOutput::Unchanged(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_lacks_is_pulled_and_all_is_pinned() {
    let (b, runtime) = bench(&[SERVER, SANDBOX], &[PROXY]);
    let said = text(done(&b.node(), HostOp::ImagePull { to: TO }).await);
    assert_eq!(said, format!("pulled {PROXY}; pinned 3"));
    assert_eq!(b.commands.count("crictl pull"), 1);
    assert!(runtime.lock().unwrap().images.values().all(|labels| labels.contains(OURS)));
    let again = done(&b.node(), HostOp::ImagePull { to: TO }).await;
    assert!(matches!(again, OpOutput::Unchanged(_)), "{again:?}");
    // The collection took one: it is pulled and pinned again.
    runtime.lock().unwrap().images.remove(PROXY);
    assert_eq!(
        text(done(&b.node(), HostOp::ImagePull { to: TO }).await),
        format!("pulled {PROXY}; pinned 1")
    );
}

#[tokio::test(start_paused = true)]
async fn an_air_gapped_node_with_its_images_asks_no_registry() {
    let (b, _) = bench(&[SERVER, PROXY, SANDBOX], &[]);
    let said = text(done(&b.node(), HostOp::ImagePull { to: TO }).await);
    assert!(said.contains("all images are on the node") && said.ends_with("pinned 3"), "{said}");
    assert_eq!(b.commands.count("crictl pull"), 0);
    let (b, _) = bench(&[SERVER, SANDBOX], &[]);
    let failure = fails(&b.node(), HostOp::ImagePull { to: TO }).await;
    assert_eq!(failure.code, codes::IMAGE_PULL_FAILED);
    assert!(failure.message.contains(PROXY), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn only_podlifts_own_pins_are_released() {
    let (b, runtime) = bench(&[SERVER, PROXY, SANDBOX], &[]);
    let foreign = "io.cri-containerd.pinned".to_string();
    runtime.lock().unwrap().images.get_mut(SANDBOX).unwrap().insert(foreign.clone());
    assert!(text(done(&b.node(), HostOp::ImagePull { to: TO }).await).ends_with("pinned 2"));
    let released = text(done(&b.node(), HostOp::ImageRelease).await);
    assert_eq!(released, format!("released {SERVER}, {PROXY}"));
    let left: Vec<_> = runtime.lock().unwrap().images.values().flatten().cloned().collect();
    assert_eq!(left, [foreign], "the pin of somebody else stays");
    assert!(matches!(done(&b.node(), HostOp::ImageRelease).await, OpOutput::Unchanged(_)));
}

#[tokio::test(start_paused = true)]
async fn a_node_without_ctr_stages_its_images_unpinned_and_says_so() {
    let (b, runtime) = bench(&[SERVER, PROXY, SANDBOX], &[]);
    runtime.lock().unwrap().no_ctr = true;
    let said = text(done(&b.node(), HostOp::ImagePull { to: TO }).await);
    assert!(said.contains("could not be pinned") && said.contains("ctr"), "{said}");
    assert!(matches!(done(&b.node(), HostOp::ImageRelease).await, OpOutput::Unchanged(_)));
}
