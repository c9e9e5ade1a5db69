//! BCM at the beginning: the head, its images as a grab of the nodes, categories, devices, two provisioners.

use super::super::core::World;
use super::super::shape::Shape;
use super::super::state::{Node, Package};
use super::content::files;
use super::pattern::Patterns;
use super::{Bcm, Category, Device, Ha, Places, Provisioner, SoftwareImage, Switches};
use crate::doubles::HEAD;
use crate::world::machines::MACHINE_ID;
use crate::world::{build, kubeadm_config};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Below it each image has its folder.
pub const IMAGES: &str = "/cm/images";
/// Image and category of workers, and of control-plane nodes.
pub const WORKERS: (&str, &str) = ("dgx-image", "dgx-h100");
pub const PLANES: (&str, &str) = ("k8s-image", "runai-control-plane");
/// The other head, which provisions too.
pub const PASSIVE: &str = "head-02";
const DEFAULT: &str = "default-image";
const KERNEL: &str = "5.15.0-1074-nvidia";
/// By default so many nodes get their image from one provisioner at once.
const SLOTS: u32 = 10;

/// As a recorded cluster has them.
const APPLICATIONS: [(&str, bool); 6] = [
    ("calico", true),
    ("dashboard_ingress", true),
    ("flannel", false),
    ("grafana_ingress", true),
    ("ingress_controller", true),
    ("kubernetes_ingress", false),
];

pub fn path(image: &str) -> String {
    format!("{IMAGES}/{image}")
}

pub fn bcm(shape: &Shape) -> Bcm {
    let k = shape.from;
    let endpoints = if shape.empty_endpoints { vec![] } else { shape.etcd_endpoints() };
    Bcm {
        versions: vec![
            format!("1.{}", k.minor + 1),
            format!("1.{} (NVIDIA AI Enterprise certified)", k.minor),
            format!("1.{}", k.minor - 1),
        ],
        cluster: shape.cluster.clone(),
        version: format!("{}.{}.{}-1.1", k.major, k.minor, k.patch),
        more_clusters: vec![],
        applications: APPLICATIONS.map(|(name, on)| (name.to_string(), on)).into(),
        devices: devices(shape),
        categories: categories(shape),
        images: names(shape).into_iter().map(|name| (name.to_string(), image(name))).collect(),
        provisioners: [HEAD, PASSIVE].map(provisioner).into(),
        tasks: vec![],
        syncs: BTreeMap::new(),
        waiting: BTreeMap::new(),
        requests: BTreeMap::new(),
        failed: BTreeMap::new(),
        ha: Ha::Active,
        config: json!({"ClusterConfiguration": kubeadm_config::text(shape, &endpoints)}),
        switches: Switches::default(),
    }
}

fn names(shape: &Shape) -> Vec<&'static str> {
    match shape.images {
        true => vec![DEFAULT, WORKERS.0, PLANES.0],
        false => vec![DEFAULT, "dgx-os-6.3-h100-image"],
    }
}

fn image(name: &str) -> SoftwareImage {
    SoftwareImage {
        path: path(name),
        kernel: KERNEL.into(),
        locked: false,
        arch: "amd64".into(),
        whole: true,
        known: 1,
        mounts: vec![],
        processes: vec![],
    }
}

fn provisioner(node: &str) -> Provisioner {
    Provisioner {
        node: node.into(),
        slots: SLOTS,
        in_use: 0,
        drained: false,
        updating: false,
        gets: vec![],
        copies: BTreeMap::new(),
        updated: None,
    }
}

/// Without images BCM lists none.
fn devices(shape: &Shape) -> BTreeMap<String, Device> {
    if !shape.images {
        return BTreeMap::new();
    }
    let node = |name: &String, category: &str| {
        (name.clone(), Device { kind: "PhysicalNode", category: Some(category.into()), image: None })
    };
    let head = |name: &str| (name.to_string(), Device { kind: "HeadNode", category: None, image: None });
    let planes = shape.control_planes.iter().map(|n| node(n, PLANES.1));
    let workers = shape.workers.iter().map(|n| node(n, WORKERS.1));
    planes.chain(workers).chain([HEAD, PASSIVE].map(head)).collect()
}

fn categories(shape: &Shape) -> BTreeMap<String, Category> {
    let of = |(image, name): (&str, &str)| (name.to_string(), Category { image: Some(image.into()) });
    match shape.images {
        true => [of((DEFAULT, "default")), of(WORKERS), of(PLANES)].into(),
        false => [of((DEFAULT, "default"))].into(),
    }
}

/// The head and the images, as places with packages.
pub fn places(shape: &Shape) -> Places {
    let mut head = build::node(shape, HEAD);
    let package = |version: &str| Package { version: version.into(), held: false, half: false };
    head.packages = [("cm-setup".to_string(), package("11.0-165270-cm11.0-a1b2c3"))].into();
    head.images.clear();
    let image = |name: &str| {
        let path = path(name);
        let node = Node { name: path.clone(), ..build::node(shape, &path) };
        (path, node)
    };
    names(shape).into_iter().map(image).chain([(HEAD.to_string(), head)]).collect()
}

/// What the head has on its disk, and in each image what a grab of a node would have brought.
pub fn seed(world: &World) {
    let head = world.disk(HEAD);
    let put = |path: &str, text: &str, mode: u32| {
        let written = head.put_synced(Path::new(path), text.as_bytes(), mode);
        written.unwrap_or_else(|e| panic!("the lab cannot write {path} of the head: {e}"));
    };
    put("/cm/local/apps/cmd/scripts/cm-kubeadm-manage", "#!/cm/local/apps/python3/bin/python3\n", 0o755);
    for file in ["admin.pem", "admin.key", "cacert.pem"].iter().filter(|_| world.shape.bcm_api) {
        put(&format!("/root/.cm/{file}"), "of the lab\n", 0o600);
    }
    world.write_mounts();
    if !world.shape.images {
        return;
    }
    let machine = world.lock().node(HEAD).machine.clone();
    put(MACHINE_ID, &format!("{machine}\n"), 0o444);
    world.write_boot_id(HEAD);
    for node in world.shape.nodes() {
        own_files(world, node);
        world.write_status(node);
    }
    let first = |list: &[String]| list.first().cloned();
    let planes = &world.shape.control_planes;
    for (image, model) in [
        (DEFAULT, first(&world.shape.workers).or_else(|| first(planes))),
        (WORKERS.0, first(&world.shape.workers).or_else(|| first(planes))),
        (PLANES.0, first(planes)),
    ] {
        model.iter().for_each(|node| grab(world, node, image));
    }
    world.give_all(PASSIVE);
}

/// Of podlift's package.
const OWN: [(&str, &str, u32); 3] = [
    ("/usr/bin/podlift-agent", "podlift-agent of the lab\n", 0o755),
    (
        "/usr/lib/systemd/system/podlift-agent.service",
        "[Unit]\nDescription=podlift agent\n[Service]\nExecStart=/usr/bin/podlift-agent run\n",
        0o644,
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/podlift-agent.service",
        "[Unit]\nDescription=podlift agent\n[Service]\nExecStart=/usr/bin/podlift-agent run\n",
        0o644,
    ),
];

fn own_files(world: &World, node: &str) {
    let disk = world.disk(node);
    for (path, text, mode) in OWN {
        let written = disk.put_synced(Path::new(path), text.as_bytes(), mode);
        written.unwrap_or_else(|e| panic!("the lab cannot write {path} of {node}: {e}"));
    }
}

/// Copies what no list excludes, and leaves the machine id empty, as `install-into-image` does.
fn grab(world: &World, node: &str, image: &str) {
    let lists = Patterns::of(world.lock().excludes(node, "grab"));
    let (from, to) = (world.disk(node), world.disk(&path(image)));
    for file in files(from.as_ref(), &|p| lists.keeps(p)) {
        let mode = from.stat(&file).map_or(0o644, |s| s.mode);
        from.read(&file).and_then(|bytes| to.put_synced(&file, &bytes, mode)).ok();
    }
    to.put_synced(Path::new("/etc/machine-id"), b"", 0o444).ok();
    world.write_status(&path(image));
}
