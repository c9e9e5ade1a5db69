//! What the lab's own tests share: a World on a paused clock and commands as people type them.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use podlift_lab::doubles::{self, Ended};
use podlift_lab::{Shape, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The recorded cluster: three control planes, two workers, v1.31.14, no Calico.
pub fn recorded() -> Shape {
    Shape {
        workers: vec!["dgx030".into(), "dgx031".into()],
        from: "v1.31.14".parse().unwrap(),
        calico: false,
        ..Shape::default()
    }
}

pub fn world(shape: Shape) -> Arc<World> {
    let world = World::new(shape);
    world.start();
    world
}

pub async fn sh(world: &Arc<World>, node: &str, line: &str) -> Ended {
    let env = BTreeMap::from([("NEEDRESTART_SUSPEND".to_string(), "1".to_string())]);
    let words: Vec<String> = line.split_whitespace().map(String::from).collect();
    doubles::run(world, node, &words[0], &words[1..], &env)
        .await
        .unwrap_or_else(|| panic!("{node} has no {}", words[0]))
}

/// Until every API server that listens has read its roles.
pub async fn warm(world: &Arc<World>) {
    tokio::time::sleep(world.shape.timing.cold).await;
}

pub async fn ok(world: &Arc<World>, node: &str, line: &str) -> String {
    let ended = sh(world, node, line).await;
    assert_eq!(ended.code, 0, "{line}: {}{}", ended.stdout, ended.stderr);
    ended.stdout
}

/// Sources, lists and kubeadm of the target on a node.
pub async fn kubeadm_at(world: &Arc<World>, node: &str, version: &str) {
    source(world, node, "v1.32");
    ok(world, node, "apt-get update").await;
    ok(world, node, &format!("apt-get install -y --allow-change-held-packages kubeadm={version}")).await;
}

pub fn source(world: &Arc<World>, node: &str, minor: &str) {
    let text = format!(
        "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/{minor}/deb/ /\n"
    );
    world.disk(node).put_text("/etc/apt/sources.list.d/kubernetes.list", &text, 0o644).unwrap();
}

/// Numbers and times that differ from run to run taken out.
pub fn normal(text: &str) -> Vec<String> {
    let mut out = vec![];
    for line in text.lines() {
        let mut flat = String::new();
        for c in line.chars() {
            let c = if c.is_ascii_digit() { '#' } else { c };
            if !(c == '#' && flat.ends_with('#')) {
                flat.push(c);
            }
        }
        out.push(flat.trim_end().to_string());
    }
    out
}

/// Every line of `want` is in `got`, in that order.
#[track_caller]
pub fn in_order(got: &str, want: &str) {
    let got = normal(got);
    let mut rest = got.iter();
    for line in normal(want).into_iter().filter(|l| !l.is_empty()) {
        assert!(rest.any(|g| *g == line), "missing (or out of order): {line:?} in\n{}", got.join("\n"));
    }
}
