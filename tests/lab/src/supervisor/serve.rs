//! What a lab listens on: the doubles' socket, the API fronts and the proxy; and the CA where nodes and coordinator look for it.

use super::client::SOCKET;
use super::cmdaemon::Cmdaemon;
use super::configs::{Addresses, HEAD_ROOT};
use super::own::Own;
use super::scratch::Scratch;
use super::{front, healthz, ingress, pki, proxy, socket, tree};
use crate::doubles::bcm::api::PORT;
use crate::world::World;
use anyhow::Context as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

pub async fn all(
    world: &Arc<World>,
    scratch: &Scratch,
    exe: &Path,
    addresses: &Addresses,
    own: &Own,
) -> anyhow::Result<JoinSet<()>> {
    let shape = &world.shape;
    let names = shape.control_planes.iter().map(|n| shape.address(n)).chain([format!("{}.1", shape.network)]);
    let ips = names.map(|a| a.parse()).collect::<Result<Vec<IpAddr>, _>>()?;
    let pki = pki::make(&ips)?;
    scratch.write("head/kubernetes-ca.crt", &pki.ca, 0o644)?;
    for node in &shape.control_planes {
        let path = format!("nodes/{node}/etc/kubernetes/pki/{}/ca.crt", shape.cluster);
        scratch.write(&path, &pki.ca, 0o600)?;
        pki.put_clients(world, node)?;
    }
    let path = scratch.at(SOCKET);
    let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
    tree::tools(world, scratch, exe)?;
    let vip = TcpListener::bind(&addresses.vip).await.with_context(|| addresses.vip.clone())?;
    let mut tasks = JoinSet::new();
    if let Some(listener) = ingress::open(world).await? {
        tasks.spawn(ingress::keep(world.clone(), listener));
    }
    tasks.spawn(socket::keep(world.clone(), listener));
    let let_in = proxy::LetIn::default();
    tasks.spawn(proxy::keep(world.clone(), vip, let_in.clone()));
    for node in &shape.control_planes {
        tasks.spawn(front::keep(
            world.clone(),
            node.clone(),
            pki.tls.clone(),
            front::bind_here(),
            let_in.or(own.clone()),
        ));
    }
    healthz::open(world, &front::bind_here(), &mut tasks)?;
    if shape.bcm_api {
        cmdaemon(world, scratch, &mut tasks).await?;
    }
    Ok(tasks)
}

/// CMDaemon's API on the head's address, and the administrator's files where the head's agent looks for them.
async fn cmdaemon(world: &Arc<World>, scratch: &Scratch, tasks: &mut JoinSet<()>) -> anyhow::Result<()> {
    let head = format!("{}.1", world.shape.network);
    let made = Cmdaemon::new(head.parse()?)?;
    let files =
        [("cacert.pem", &made.ca), ("admin.pem", &made.client.certificate), ("admin.key", &made.client.key)];
    for (name, text) in files {
        scratch.write(&format!("{HEAD_ROOT}/root/.cm/{name}"), text, 0o600)?;
    }
    let address = format!("{head}:{PORT}");
    let listener = TcpListener::bind(&address).await.with_context(|| address.clone())?;
    let world = world.clone();
    tasks.spawn(async move { made.serve(world, listener).await });
    Ok(())
}
