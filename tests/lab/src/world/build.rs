//! The state at the beginning: nodes, etcd, BCM. API objects are in `cast`, files in `seed`.

use super::balancers::{self, Balancers, Provider};
use super::etcd::{Etcd, Member};
use super::firewall::Firewall;
use super::images::{Image, Images};
use super::ingress::Ingress;
use super::shape::Shape;
use super::state::{Kubelet, Node, Package, Role, State};
use super::versions;
use super::{bcm, cast};
use jiff::Timestamp;
use podlift_model::KubeVersion;
use std::collections::{BTreeMap, BTreeSet};

pub fn state(shape: &Shape, now: Timestamp) -> State {
    let nodes = shape.nodes().map(|n| (n.clone(), node(shape, n))).collect();
    State {
        nodes,
        places: bcm::build::places(shape),
        etcd: etcd(shape),
        more_etcds: vec![],
        etcd_elsewhere: shape.machines,
        written: vec![],
        splits: vec![],
        moved_at: None,
        api: cast::objects(shape, now),
        bcm: bcm::build::bcm(shape),
        effects: vec![],
        counter: 0,
        turn: 0,
        rights_taken: vec![],
        registry_away: false,
        api_away: false,
        balancers: Balancers {
            provider: Provider::default(),
            pool: Some(shape.network.clone()),
            hosts: balancers::HOSTS,
        },
        ingress: Ingress::default(),
        deprecated: BTreeMap::new(),
    }
}

/// A machine's own comes with its process.
fn kubelet(shape: &Shape) -> Kubelet {
    let running = (!shape.machines).then_some(shape.from);
    Kubelet { running, ready: !shape.machines, pods_of: shape.from.minor, ..Kubelet::default() }
}

pub(super) fn node(shape: &Shape, name: &str) -> Node {
    let control_plane = shape.control_planes.iter().any(|n| n == name);
    let k = shape.from;
    let version = format!("{}.{}.{}-1.1", k.major, k.minor, k.patch);
    let package = |held| Package { version: version.clone(), held, half: false };
    let other = |v: &str| Package { version: v.into(), held: false, half: false };
    let mut packages: BTreeMap<String, Package> =
        ["kubeadm", "kubelet", "kubectl"].iter().map(|p| (p.to_string(), package(shape.held))).collect();
    packages.insert("cri-tools".into(), other(&format!("1.{}.0-1.1", k.minor)));
    packages.insert("kubernetes-cni".into(), other(&format!("1.{}.0-1.1", k.minor - 26)));
    Node {
        name: name.into(),
        role: if control_plane { Role::ControlPlane } else { Role::Worker },
        ip: shape.address(name),
        boot: format!("boot-{name}-0"),
        machine: shape.machine_id(name),
        generation: 0,
        packages,
        dpkg_lock: None,
        kubelet: kubelet(shape),
        containers: vec![],
        units: BTreeMap::new(),
        firewall: Firewall::default(),
        images: images(k),
        off: false,
        lost_devices: BTreeMap::new(),
        holders: vec![],
        services: BTreeSet::new(),
        containerd: super::site::CONTAINERD.into(),
        clock_ahead: 0,
        free_bytes: None,
        depends: BTreeMap::new(),
        drags: vec![],
        mirror_lacks: BTreeSet::new(),
    }
}

/// Those of its version, and containerd's sandbox image, which is another one than kubeadm's.
fn images(version: KubeVersion) -> Images {
    let all = versions::images(version).into_iter().chain(["registry.k8s.io/pause:3.8".to_string()]);
    all.map(|image| (image, Image::default())).collect()
}

/// The recorded ids: as large as real ones are, they do not fit a float.
const IDS: [u64; 3] = [10_719_358_182_992_167_729, 13_930_079_485_604_927_718, 17_094_991_867_154_901_744];

fn etcd(shape: &Shape) -> Etcd {
    let member = |(i, name): (usize, &String)| Member {
        name: name.clone(),
        node: name.clone(),
        id: IDS[i % 3] - (i / 3) as u64,
        ip: shape.address(name),
        port: 2379,
        up: true,
        alarm: None,
    };
    let members: Vec<Member> = shape.control_planes.iter().enumerate().map(member).collect();
    Etcd {
        cluster: 17_210_032_074_225_519_082,
        version: "3.5.26".into(),
        term: 2,
        // API writes come on top.
        revision: 107,
        leader: members.first().map_or(0, |m| m.id),
        members,
    }
}
