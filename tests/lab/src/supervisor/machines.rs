//! The supervisor of real machines: the World with their disks, the socket that their tools call, an API front in each control plane's
//! own network, BCM's proxy. Another crate makes the machines themselves.

use super::client::{self, SOCKET};
use super::front;
pub use super::front::Bind;
use super::socket::{self, Ask};
use super::{healthz, own, pki, proxy};
use crate::disk::{Disk, RealDisk};
use crate::doubles::Caller;
use crate::world::{Shape, World};
use anyhow::Context as _;
use podlift_common::clock::SystemClock;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

pub struct Machines {
    pub world: Arc<World>,
    /// The cluster's CA, PEM.
    pub ca: String,
    _tasks: JoinSet<()>,
}

impl Machines {
    /// `roots` are the machines' file systems, `shared` the folder that they see.
    pub async fn start(
        shape: Shape,
        roots: BTreeMap<String, PathBuf>,
        shared: &Path,
        bind: Bind,
    ) -> anyhow::Result<Self> {
        let shape = Shape { machines: true, ..shape };
        let names = shape.control_planes.iter().map(|n| shape.address(n));
        // The supervisor, and proxies on the head node.
        let names = names.chain([1, 2].map(|last| format!("{}.{last}", shape.network)));
        let ips = names.map(|a| a.parse()).collect::<Result<Vec<IpAddr>, _>>()?;
        let pki = pki::make(&ips)?;
        let disk = |(node, root)| (node, Arc::new(RealDisk::new(root)) as Arc<dyn Disk>);
        let world = World::with_disks(shape, Arc::new(SystemClock), roots.into_iter().map(disk).collect());
        let path = shared.join(SOCKET);
        let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
        let vip = &world.shape.proxy;
        let vip = TcpListener::bind(vip).await.with_context(|| vip.clone())?;
        let mut tasks = JoinSet::new();
        tasks.spawn(socket::keep(world.clone(), listener));
        tasks.spawn(proxy::keep(world.clone(), vip, proxy::LetIn::default()));
        for node in &world.shape.control_planes {
            pki.put_clients(&world, node)?;
            tasks.spawn(front::keep(
                world.clone(),
                node.clone(),
                pki.tls.clone(),
                bind.clone(),
                own::everyone(),
            ));
        }
        healthz::open(&world, &bind, &mut tasks)?;
        world.start();
        Ok(Self { world, ca: pki.ca, _tasks: tasks })
    }
}

/// A tool of a machine, as a process: TOOL, the version of its package, and what it was called with.
pub fn machine_tool(words: Vec<String>) -> ExitCode {
    let mut words = words.into_iter();
    let (Some(tool), Some(Ok(version))) = (words.next(), words.next().map(|v| v.parse())) else {
        anstream::eprintln!("usage: machine-tool TOOL VERSION ARGS...");
        return ExitCode::from(2);
    };
    let read = |path: &str| podlift_common::durable::read_to_string(Path::new(path)).unwrap_or_default();
    let ask = Ask {
        node: read("/proc/sys/kernel/hostname").trim().into(),
        tool,
        args: words.collect(),
        env: std::env::vars().collect(),
        caller: Some(Caller {
            version,
            unit: service(&read("/proc/self/cgroup")),
            boot: read("/proc/sys/kernel/random/boot_id").trim().into(),
        }),
    };
    client::ask_and_print(&Path::new("/run/podlift-lab").join(SOCKET), &ask)
}

/// The service in a `/proc/PID/cgroup`.
fn service(cgroup: &str) -> Option<String> {
    let last = |line: &str| line.rsplit_once('/').map(|(_, last)| last.to_string());
    cgroup.lines().filter_map(last).find(|l| l.ends_with(".service"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_of_a_process() {
        let v1 =
            "8:pids:/\n1:name=systemd:/system.slice/podlift-a.service\n0::/system.slice/podlift-a.service\n";
        assert_eq!(service(v1).as_deref(), Some("podlift-a.service"));
        assert_eq!(service("0::/init.scope\n"), None);
    }
}
