//! Making a fleet: repositories, packages, disks, the supervisor with its API servers' ports.

use super::wanted::{addresses, imaged, shape};
use super::{Fleet, Wanted, layers};
use crate::bcm::{Daemon, Images};
use crate::machine::Machine;
use crate::scratch::Scratch;
use crate::{apart, bcm, configs, network, product, up};
use anyhow::Context as _;
use podlift_lab::machines::{Bind, Machines};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let imaged = imaged(wanted);
        let tools = match imaged.is_empty() {
            true => None,
            false => Some(bcm::package().build(&debs).await?),
        };
        let (node, head) = layers::layers(&scratch, &base, &repositories, packages, tools.as_deref()).await?;
        let images = match imaged.is_empty() {
            true => None,
            false => Some(Images::make(&scratch, &node, &imaged).await?),
        };
        let bind = images.as_ref().map(Images::bind);
        let mut machines = BTreeMap::new();
        for (name, address) in addresses(&shape) {
            let below = if name == configs::HEAD { head.clone() } else { node.clone() };
            let extra = wanted.extra.iter().filter(|(n, _)| *n == name).map(|(_, e)| *e);
            let bound = bind.as_deref().filter(|_| name == configs::HEAD);
            let extra: Vec<&str> = extra.chain(bound).collect();
            let machine = Machine::new(&scratch, &name, &address, below, &extra).await?;
            machines.insert(name, Arc::new(machine));
        }
        for node in shape.nodes() {
            // Its kubelet reports this one.
            machines[node].write("/etc/machine-id", format!("{}\n", shape.machine_id(node)), 0o444)?;
        }
        let roots = shape.nodes().map(|n| (n.clone(), machines[n].root())).collect();
        let supervisor = Machines::start(shape, roots, &shared, open(&machines)).await?;
        let daemon = images.map(|images| {
            bcm::write(&supervisor.world, &imaged);
            Daemon::start(&supervisor.world, images, machines.clone())
        });
        let fleet = Self { supervisor, machines, daemon, imaged, product, scratch };
        fleet.etcd(&fleet.world().shape)?;
        if !wanted.bare {
            fleet.configure()?;
            fleet.grab()?;
        }
        Ok(fleet)
    }
}

/// An API server's port is in its machine's own network.
fn open(machines: &BTreeMap<String, Arc<Machine>>) -> Bind {
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

/// `podlift-machines` of this build, which can reap.
fn reaper(exe: &Path) -> anyhow::Result<PathBuf> {
    Ok(product::programs(exe)?.join("podlift-machines"))
}
