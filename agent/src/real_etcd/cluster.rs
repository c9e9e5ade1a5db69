//! A real etcd cluster on the loopback with its own certificates; it ends with the test.
#![allow(clippy::disallowed_methods)] // a test spawns and writes files

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the certificate for etcd is; never where the manifest names it.
#[derive(Clone, Copy)]
pub enum Layout {
    Runbook,
    Bcm,
}

impl Layout {
    /// Below /etc/kubernetes/pki.
    pub fn files(self) -> [&'static str; 3] {
        match self {
            Self::Runbook => {
                ["runaicluster/etcd/ca.crt", "runaicluster/etcd/server.crt", "runaicluster/etcd/server.key"]
            }
            Self::Bcm => ["default/etcd/ca.crt", "default/etcd-member.crt", "default/etcd-member.key"],
        }
    }
}

pub struct Cluster {
    pub bin: PathBuf,
    pub layout: Layout,
    /// CA, certificate and key, PEM.
    pub pems: [String; 3],
    dir: tempfile::TempDir,
    clients: Vec<u16>,
    members: Vec<Child>,
}

impl Cluster {
    pub fn start(minor: &str, layout: Layout, size: usize) -> Self {
        Self::with(binaries(minor), layout, pems(), size)
    }

    /// A second cluster that the same certificates open.
    pub fn start_beside(other: &Self, size: usize) -> Self {
        Self::with(other.bin.clone(), other.layout, other.pems.clone(), size)
    }

    fn with(bin: PathBuf, layout: Layout, pems: [String; 3], size: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, pem) in ["ca", "crt", "key"].iter().zip(&pems) {
            std::fs::write(dir.path().join(name), pem).unwrap();
        }
        let (clients, peers) = (ports(size), ports(size));
        let named = |(i, port): (usize, &u16)| format!("{}=https://127.0.0.1:{port}", name(i));
        let all: Vec<String> = peers.iter().enumerate().map(named).collect();
        let start = |i: usize| member(&bin, dir.path(), i, clients[i], peers[i], &all.join(","));
        let members = (0..size).map(start).collect();
        Self { bin, layout, pems, dir, clients, members }
    }

    pub fn endpoints(&self) -> Vec<String> {
        self.clients.iter().map(|port| format!("https://127.0.0.1:{port}")).collect()
    }

    pub fn kill(&mut self, member: usize) {
        let child = &mut self.members[member];
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn etcdctl(&self, args: &[&str]) {
        assert!(self.try_etcdctl(args), "etcdctl {args:?}");
    }

    pub fn try_etcdctl(&self, args: &[&str]) -> bool {
        self.run(&self.endpoints().join(","), args).status.success()
    }

    fn run(&self, endpoints: &str, args: &[&str]) -> std::process::Output {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        Command::new(self.bin.join("etcdctl"))
            .env("ETCDCTL_API", "3")
            .args([format!("--endpoints={endpoints}"), format!("--cacert={}", file("ca"))])
            .args([format!("--cert={}", file("crt")), format!("--key={}", file("key"))])
            .args(args)
            .output()
            .unwrap()
    }

    /// Makes this member the leader: the present leader hands over, the others refuse.
    pub fn make_leader(&self, member: usize) {
        let status = self.run(&self.endpoints()[member], &["endpoint", "status", "-w", "json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        let header = &status[0]["Status"];
        let (own, leader) =
            (header["header"]["member_id"].as_u64().unwrap(), header["leader"].as_u64().unwrap());
        let handed =
            |endpoint: &String| self.run(endpoint, &["move-leader", &format!("{own:x}")]).status.success();
        assert!(own == leader || self.endpoints().iter().any(handed), "no member hands over");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.members {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// tests/tools/etcd downloads what is not in its cache yet.
fn binaries(minor: &str) -> PathBuf {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tools/etcd");
    let output = Command::new(tool).arg(minor).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "etcd {minor} can't be had: {said}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

fn name(member: usize) -> String {
    format!("runai-0{}", member + 1)
}

/// Free ports. All of them are held until the last one is known.
fn ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|l| l.local_addr().unwrap().port()).collect()
}

fn member(bin: &Path, dir: &Path, i: usize, client: u16, peer: u16, all: &str) -> Child {
    let (client, peer) = (format!("https://127.0.0.1:{client}"), format!("https://127.0.0.1:{peer}"));
    let file = |name: &str| dir.join(name).display().to_string();
    let log = std::fs::File::create(dir.join(format!("{}.log", name(i)))).unwrap();
    let mut command = Command::new(bin.join("etcd"));
    let mut set = |option: &str, value: &str| {
        command.arg(format!("--{option}={value}"));
    };
    set("name", &name(i));
    set("data-dir", &file(&format!("data-{i}")));
    for urls in ["listen-client-urls", "advertise-client-urls"] {
        set(urls, &client);
    }
    for urls in ["listen-peer-urls", "initial-advertise-peer-urls"] {
        set(urls, &peer);
    }
    set("initial-cluster", all);
    set("initial-cluster-token", &file(""));
    for (option, name) in [("cert-file", "crt"), ("key-file", "key"), ("trusted-ca-file", "ca")] {
        set(option, &file(name));
        set(&format!("peer-{option}"), &file(name));
    }
    set("client-cert-auth", "true");
    set("peer-client-cert-auth", "true");
    set("quota-backend-bytes", "4194304");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// A CA and one certificate for all servers, peers and clients.
fn pems() -> [String; 3] {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&authority).unwrap();
    let issuer = Issuer::from_params(&params, &authority);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::default();
    leaf.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    [ca.pem(), certificate.pem(), key.serialize_pem()]
}
