//! BCM's doubles: what images, provisioners and requests do, and what BCM says of it.
#![allow(clippy::unwrap_used)] // a test may panic

mod answers;
mod api;
mod facts;
mod image;
mod sync;

use podlift_lab::doubles::{self, Ended};
use podlift_lab::{HEAD_NODE, Shape, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Three control planes and four workers with images.
pub fn world() -> Arc<World> {
    let world = World::new(Shape { images: true, empty_endpoints: false, ..Shape::default() });
    world.start();
    world
}

pub async fn head(world: &Arc<World>, words: &[&str]) -> Ended {
    let args: Vec<String> = words[1..].iter().map(ToString::to_string).collect();
    doubles::run(world, HEAD_NODE, words[0], &args, &BTreeMap::new()).await.unwrap()
}

pub async fn cmsh(world: &Arc<World>, script: &str) -> Ended {
    head(world, &["cmsh", "-n", "-q", "--hide-events", "--color", "no", "-c", script]).await
}

/// Its stdout, where it ended well.
#[track_caller]
pub fn well(ended: Ended) -> String {
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    ended.stdout
}

pub const NEW: &str = "dgx-image-k8s-1.32.9";

/// The clone with the target's packages, as an operator makes it; the ramdisk tasks are done.
pub async fn prepared(world: &Arc<World>) {
    well(cmsh(world, &format!("softwareimage; clone dgx-image {NEW}; commit -w")).await);
    quiet(world).await;
    install(world).await;
    quiet(world).await;
}

pub async fn install(world: &Arc<World>) {
    let path = format!("/cm/images/{NEW}");
    let text = "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n";
    world.disk(&path).put_text("/etc/apt/sources.list.d/kubernetes.list", text, 0o644).unwrap();
    for line in [
        "env DEBIAN_FRONTEND=noninteractive apt-get update",
        "apt-mark unhold kubeadm kubelet kubectl",
        "apt-get install -y --no-remove kubeadm=1.32.9-1.1 kubelet=1.32.9-1.1 kubectl=1.32.9-1.1",
        "apt-mark hold kubeadm kubelet kubectl",
    ] {
        let words: Vec<&str> = ["cm-chroot-sw-img", &path].into_iter().chain(line.split(' ')).collect();
        well(head(world, &words).await);
    }
}

/// Until both ramdisks of every change are made.
pub async fn quiet(world: &Arc<World>) {
    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
    assert!(world.lock().bcm.tasks.iter().all(|t| t.state == "done"));
}
