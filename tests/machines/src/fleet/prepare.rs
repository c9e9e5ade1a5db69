//! Making a fleet: repositories, packages, disks, the supervisor with its API servers' ports.

use super::wanted::{addresses, shape};
use super::{Fleet, Wanted, layers};
use crate::machine::Machine;
use crate::scratch::Scratch;
use crate::{apart, configs, network, product, up};
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
        let (node, head) = layers::layers(&scratch, &base, &repositories, packages).await?;
        let mut machines = BTreeMap::new();
        for (name, address) in addresses(&shape) {
            let below = if name == configs::HEAD { head.clone() } else { node.clone() };
            let extra: Vec<&str> = wanted.extra.iter().filter(|(n, _)| *n == name).map(|(_, e)| *e).collect();
            let machine = Machine::new(&scratch, &name, &address, below, &extra).await?;
            machines.insert(name, Arc::new(machine));
        }
        for node in shape.nodes() {
            // Its kubelet reports this one.
            machines[node].write("/etc/machine-id", format!("{}\n", shape.machine_id(node)), 0o444)?;
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

/// `podlift-machines` of this build, which can reap.
fn reaper(exe: &Path) -> anyhow::Result<PathBuf> {
    Ok(product::programs(exe)?.join("podlift-machines"))
}
