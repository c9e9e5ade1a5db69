//! The files of each node at the beginning.

use super::core::World;
use super::kubeadm_config::ClusterConfig;
use super::manifests::{DIR, render};
use super::written::Writer;
use super::{kubeadm_config, site, versions};
use podlift_model::op::Component;
use std::path::Path;

pub fn disks(world: &World) {
    let pki = good_config(world).certificates;
    for name in world.shape.nodes() {
        match world.shape.machines {
            true => put(world, name, "/var/lib/kubelet/config.yaml", &kubelet_config(world, name), 0o644),
            false => common(world, name),
        }
        if world.shape.control_planes.contains(name) {
            control_plane(world, name);
        }
        site::disk(world, name, &pki);
    }
}

fn put(world: &World, node: &str, path: &str, text: &str, mode: u32) {
    let path = Path::new(path);
    let put = || world.disk(node).put_synced(path, text.as_bytes(), mode);
    let written = world.writes(node, path, Writer::Kubeadm, put);
    written.unwrap_or_else(|e| panic!("the lab cannot write {} of {node}: {e}", path.display()));
}

fn common(world: &World, node: &str) {
    let k = world.shape.from;
    let (machine, boot) = {
        let s = world.lock();
        (s.node(node).machine.clone(), s.node(node).boot.clone())
    };
    let source = format!(
        "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v{}.{}/deb/ /\n",
        k.major, k.minor
    );
    put(world, node, "/etc/machine-id", &format!("{machine}\n"), 0o444);
    put(world, node, "/proc/sys/kernel/random/boot_id", &format!("{boot}\n"), 0o444);
    put(world, node, "/etc/apt/sources.list.d/kubernetes.list", &source, 0o644);
    put(world, node, "/etc/apt/sources.list", "", 0o644);
    put(world, node, "/etc/apt/keyrings/kubernetes-apt-keyring.gpg", "lab keyring\n", 0o644);
    put(world, node, "/etc/default/kubelet", "KUBELET_EXTRA_ARGS=\n", 0o644);
    put(world, node, "/var/lib/kubelet/config.yaml", &kubelet_config(world, node), 0o644);
    put(world, node, &format!("{DIR}/.kubelet-keep"), "", 0o644);
    let lists = world.disk(node);
    let path = crate::doubles::apt::lists_file("/var/lib/apt/lists", k.minor);
    let text = crate::doubles::apt::lists_text(&versions::offered(&world.shape, k.minor));
    lists.put_synced(Path::new(&path), text.as_bytes(), 0o644).ok();
}

fn kubelet_config(world: &World, node: &str) -> String {
    let s = world.lock();
    let map = s.api.get(&crate::objects::Key::config_map("kubelet-config"));
    let mut text = map.and_then(|m| m["data"]["kubelet"].as_str()).unwrap_or_default().to_string();
    if world.shape.kubelet_settings {
        text += "maxPods: 500\n";
    }
    if world.shape.kubelet_settings && world.shape.workers.first().is_some_and(|w| w == node) {
        text += "podPidsLimit: 4096\n";
    }
    text
}

fn good_config(world: &World) -> ClusterConfig {
    let good = kubeadm_config::text(&world.shape, &world.shape.etcd_endpoints());
    kubeadm_config::parse(&good).unwrap_or_else(|e| panic!("the lab's own kubeadm-config: {e}"))
}

fn control_plane(world: &World, node: &str) {
    let shape = &world.shape;
    let config = good_config(world);
    for component in Component::ALL {
        let text = render(*component, shape.from, &config, &shape.address(node));
        put(world, node, &format!("{DIR}/{}", component.file()), &text, 0o600);
    }
    world.disk(node).make_dir(Path::new("/etc/kubernetes/tmp")).ok();
}
