//! Six machines and the cluster around them: head (coordinator and command line), three control planes with a real etcd, two workers.
//! Everything is on their disks before the first of them boots.

use crate::layer::{Layer, write};
use crate::machine::Machine;
use crate::product::{self, Product};
use crate::scratch::Scratch;
use crate::shell::Ended;
use crate::{apart, configs, etcd, network, repo, up};
use anyhow::{Context as _, bail};
use podlift_lab::machines::{Bind, Machines};
use podlift_lab::{Shape, World};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MEET: Duration = Duration::from_secs(60);
/// Of the repositories and of the run.
pub const FROM: &str = "v1.31.14";
pub const TO: &str = "v1.32.13";
/// Doubles of kubelet and kubeadm take so many times less than the real ones; everything else takes what it takes.
const FACTOR: u32 = 15;

/// What a fleet is like.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub control_planes: Vec<&'static str>,
    pub workers: Vec<&'static str>,
    /// More arguments of nspawn, by machine.
    pub extra: Vec<(&'static str, &'static str)>,
    /// Nobody has installed the product yet.
    pub bare: bool,
}

impl Default for Wanted {
    /// The six machines of a run.
    fn default() -> Self {
        Self {
            control_planes: vec!["cp1", "cp2", "cp3"],
            workers: vec!["w1", "w2"],
            extra: vec![],
            bare: false,
        }
    }
}

/// Fields end in this order: the folder, and with it every process, last.
pub struct Fleet {
    pub supervisor: Machines,
    machines: BTreeMap<String, Arc<Machine>>,
    pub product: Product,
    pub scratch: Scratch,
}

impl Fleet {
    /// Everything is prepared, nothing is booted.
    pub async fn prepare(base: PathBuf, exe: &Path, wanted: &Wanted) -> anyhow::Result<Self> {
        let scratch = Scratch::new(&reaper(exe)?)?;
        network::make().await?;
        let shared = scratch.make_dir("shared")?;
        let tool = reaper(exe)?.with_file_name("machine-tool");
        std::fs::copy(&tool, shared.join("machine-tool")).with_context(|| tool.display().to_string())?;
        let debs = scratch.make_dir("debs")?;
        let (repositories, product) =
            tokio::try_join!(up::repositories(&scratch), product::pack(exe, &debs, None))?;
        let shape = shape(wanted)?;
        let packages = (!wanted.bare).then_some(&product);
        let (node, head) = layers(&scratch, &base, &repositories, packages).await?;
        let mut machines = BTreeMap::new();
        for (name, address) in addresses(&shape) {
            let below = if name == configs::HEAD { head.clone() } else { node.clone() };
            let extra: Vec<&str> = wanted.extra.iter().filter(|(n, _)| *n == name).map(|(_, e)| *e).collect();
            let machine = Machine::new(&scratch, &name, &address, below, &extra).await?;
            machines.insert(name, Arc::new(machine));
        }
        let roots = shape.nodes().map(|n| (n.clone(), machines[n].root())).collect();
        let supervisor = Machines::start(shape, roots, &shared, bind(&machines)).await?;
        let fleet = Self { supervisor, machines, product, scratch };
        fleet.etcd(&fleet.world().shape)?;
        if !wanted.bare {
            fleet.configure()?;
        }
        Ok(fleet)
    }

    fn configure(&self) -> anyhow::Result<()> {
        let shape = &self.world().shape;
        let authority = configs::Authority::new(shape)?;
        let head = self.machine(configs::HEAD);
        for node in shape.nodes() {
            configs::node(&authority, shape, &self.machine(node).root(), node, &head.address)?;
            self.boot_id(node)?;
        }
        let user =
            uid(&head.text("/etc/passwd"), "podlift").context("the package podlift made no user podlift")?;
        configs::head(&authority, shape, &head.root(), &head.address, &self.supervisor.ca, user)
    }

    /// A sandbox gets a /proc of its own, and there the boot id is this machine's, not the container's: bound in again.
    fn boot_id(&self, node: &str) -> anyhow::Result<()> {
        let machine = self.machine(node);
        let (real, copy) = ("/proc/sys/kernel/random/boot_id", "/run/boot-id");
        let unit = format!(
            "[Unit]\nDescription=The boot id of this container, for sandboxes\nDefaultDependencies=no\nBefore=basic.target\n\
             [Service]\nType=oneshot\nExecStart=cp {real} {copy}\n"
        );
        machine.write("/etc/systemd/system/lab-boot-id.service", unit, 0o644)?;
        crate::machine::enable(&machine.root(), "sysinit.target", "lab-boot-id.service")?;
        let text = format!("[Service]\nBindReadOnlyPaths={copy}:{real}\n");
        machine.write("/etc/systemd/system/podlift-agent.service.d/container.conf", text, 0o644)?;
        // journald keeps what it has over a boot.
        machine.write("/var/log/journal/.keep", "", 0o644)
    }

    fn etcd(&self, shape: &Shape) -> anyhow::Result<()> {
        let authority = etcd::Authority::new()?;
        let members: Vec<(String, String)> =
            shape.control_planes.iter().map(|n| (n.clone(), shape.address(n))).collect();
        let client = authority.issue("kube-apiserver-etcd-client", &[])?;
        for node in &shape.control_planes {
            let machine = self.machine(node);
            for (path, text, mode) in etcd::files(&authority, node, &members)? {
                machine.write(&path, text, mode)?;
            }
            crate::machine::enable(&machine.root(), "multi-user.target", etcd::UNIT)?;
            let pki = format!("/etc/kubernetes/pki/{}", shape.cluster);
            machine.write(&format!("{pki}/ca.crt"), &self.supervisor.ca, 0o600)?;
            machine.write(&format!("{pki}/etcd/ca.crt"), &authority.certificate, 0o600)?;
            machine.write(&format!("{pki}/apiserver-etcd-client.crt"), &client.certificate, 0o600)?;
            machine.write(&format!("{pki}/apiserver-etcd-client.key"), &client.key, 0o600)?;
        }
        Ok(())
    }

    pub fn world(&self) -> &Arc<World> {
        &self.supervisor.world
    }

    /// One of the six. Panics for another name: a mistake of the test itself.
    pub fn machine(&self, name: &str) -> &Arc<Machine> {
        self.machines.get(name).unwrap_or_else(|| panic!("the fleet has no machine {name:?}"))
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Machine>> {
        self.machines.values().filter(|m| m.name != configs::HEAD)
    }

    /// All at once; returns when coordinator and agents have met.
    pub async fn boot(&self) -> anyhow::Result<()> {
        self.power_on().await?;
        self.ready().await
    }

    /// All at once.
    pub async fn power_on(&self) -> anyhow::Result<()> {
        futures_util::future::try_join_all(self.machines.values().map(|m| m.boot())).await?;
        self.fill_etcd().await
    }

    /// A few keys: a database without any has no revision.
    async fn fill_etcd(&self) -> anyhow::Result<()> {
        let pki = format!("/etc/kubernetes/pki/{}", self.world().shape.cluster);
        let script = format!(
            "for i in 1 2 3 4 5; do ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert={pki}/etcd/ca.crt \
             --cert={pki}/apiserver-etcd-client.crt --key={pki}/apiserver-etcd-client.key put /registry/lab/$i $i; done"
        );
        self.machine(&self.world().shape.control_planes[0]).run(&["sh", "-ec", &script]).await.map(drop)
    }

    /// `podlift ARGS` on the head node.
    pub async fn podlift(&self, args: &[&str]) -> anyhow::Result<Ended> {
        let all: Vec<&str> = ["podlift"].into_iter().chain(args.iter().copied()).collect();
        self.machine(configs::HEAD).ended(&all).await
    }

    /// One document of it.
    pub async fn document(&self, args: &[&str]) -> anyhow::Result<Value> {
        let all: Vec<&str> = args.iter().copied().chain(["-o", "json"]).collect();
        let ended = self.podlift(&all).await?;
        let text =
            || format!("podlift {} exited {}: {}{}", all.join(" "), ended.code, ended.stdout, ended.stderr);
        serde_json::from_str(&ended.stdout).with_context(text)
    }

    /// Every agent is connected, and the coordinator may command them.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let (since, wanted) = (Instant::now(), self.machines.len() - 1);
        let mut status = Value::Null;
        while since.elapsed() < MEET {
            status = self.document(&["status"]).await.unwrap_or_default();
            let rows = status["nodes"].as_array().into_iter().flatten();
            let met = rows.filter(|r| r["connected"] == true).count();
            if met >= wanted && status["read_only"].is_null() && !status["epoch"].is_null() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!(
            "coordinator and agents did not meet within {} s: {status}\n{}",
            MEET.as_secs(),
            self.words().await
        )
    }

    /// The last words of coordinator and agents, for a test that fails.
    pub async fn words(&self) -> String {
        let mut all = String::new();
        for machine in self.machines.values() {
            let unit = if machine.name == configs::HEAD { "podlift-coordinator" } else { "podlift-agent" };
            let said =
                machine.ended(&["journalctl", "-u", unit, "-n", "12", "--no-pager", "-o", "cat"]).await;
            let said = said.map_or_else(|e| e.to_string(), |s| s.stdout);
            all.push_str(&format!("--- {} {unit}\n{said}", machine.name));
        }
        all
    }

    pub async fn stop(self) {
        for machine in self.machines.values() {
            machine.power_off().await;
        }
    }
}

fn shape(wanted: &Wanted) -> anyhow::Result<Shape> {
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    Ok(Shape {
        control_planes: names(&wanted.control_planes),
        workers: names(&wanted.workers),
        from: FROM.parse()?,
        network: network::NETWORK.into(),
        proxy: format!("{}:10443", network::supervisor()),
        factor: FACTOR,
        inference: (2, 1),
        ..Shape::default()
    })
}

fn addresses(shape: &Shape) -> Vec<(String, String)> {
    let head = (configs::HEAD.to_string(), format!("{}.2", network::NETWORK));
    [head].into_iter().chain(shape.nodes().map(|n| (n.clone(), shape.address(n)))).collect()
}

/// What nodes and what the head node lie on.
async fn layers(
    scratch: &Scratch,
    base: &Path,
    repositories: &repo::Repositories,
    product: Option<&Product>,
) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let node = Layer::mount(scratch.at("layers/node"), vec![base.into()]).await?;
    up::sources(&node.root(), repositories, FROM.parse::<podlift_model::KubeVersion>()?.minor)?;
    let version = format!("{}-1.1", FROM.trim_start_matches('v'));
    let wanted: Vec<String> = ["kubeadm", "kubelet", "kubectl"].map(|p| format!("{p}={version}")).into();
    let script = format!(
        "apt-get update -q && apt-get install -y -q {} && apt-mark hold kubeadm kubelet kubectl && systemctl enable kubelet",
        wanted.join(" ")
    );
    node.chroot(&["sh", "-ec", &script]).await?;
    let head = Layer::mount(scratch.at("layers/head"), vec![base.into()]).await?;
    if let Some(product) = product {
        installed(&node, &product.agent, "podlift-agent").await?;
        installed(&head, &product.coordinator, "podlift-coordinator").await?;
    }
    Ok((node.finished().await?, head.finished().await?))
}

async fn installed(layer: &Layer, deb: &Path, unit: &str) -> anyhow::Result<()> {
    write(&layer.root().join("tmp/podlift.deb"), std::fs::read(deb)?, 0o644)?;
    let script = format!("dpkg -i /tmp/podlift.deb && systemctl enable {unit} && rm /tmp/podlift.deb");
    layer.chroot(&["sh", "-ec", &script]).await.map(drop)
}

/// An API server's port is in its machine's own network.
fn bind(machines: &BTreeMap<String, Arc<Machine>>) -> Bind {
    let machines = machines.clone();
    Arc::new(move |node, address| {
        let init = machines.get(&node).and_then(|m| m.init());
        Box::pin(async move {
            let init = init.ok_or_else(|| std::io::Error::other(format!("{node} is off")))?;
            let open = move || {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            };
            tokio::net::TcpListener::from_std(apart::in_network_of(init, open)?)
        })
    })
}

fn uid(passwd: &str, user: &str) -> Option<u32> {
    let line = passwd.lines().find(|l| l.split(':').next() == Some(user))?;
    line.split(':').nth(2)?.parse().ok()
}

/// `podlift-machines` of this build, which can reap.
fn reaper(exe: &Path) -> anyhow::Result<PathBuf> {
    Ok(product::programs(exe)?.join("podlift-machines"))
}
