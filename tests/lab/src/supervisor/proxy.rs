//! BCM's proxy in front of the API servers: plain TCP, round robin, the next one where one refuses, be it the server's machine or a rule of
//! its firewall; a connection that no server takes is closed.

use super::own::Own;
use crate::world::World;
use crate::world::firewall::Reach;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Addresses of the proxy's open connections to API servers. A firewall judges the first packet of a connection, and the proxy has asked it
/// before it connected: a rule that comes between this and the server's accept does not concern that connection.
#[derive(Clone, Default)]
pub struct LetIn(Arc<Mutex<BTreeSet<SocketAddr>>>);

impl LetIn {
    /// `own`, and the connections that the proxy has opened.
    pub fn or(&self, own: Own) -> Own {
        let open = self.0.clone();
        Arc::new(move |node, peer| {
            open.lock().unwrap_or_else(PoisonError::into_inner).contains(&peer) || own(node, peer)
        })
    }

    fn put(&self, address: SocketAddr) -> Open {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address);
        Open { all: self.clone(), address }
    }
}

/// One connection while it lasts.
struct Open {
    all: LetIn,
    address: SocketAddr,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.address);
    }
}

pub async fn keep(world: Arc<World>, listener: TcpListener, let_in: LetIn) {
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        turn += 1;
        connections.spawn(pass(world.clone(), let_in.clone(), turn, client));
    }
}

async fn pass(world: Arc<World>, let_in: LetIn, turn: usize, mut client: TcpStream) {
    let Ok(here) = client.local_addr().map(|a| a.ip()) else { return };
    let fronts = &world.shape.control_planes;
    for i in 0..fronts.len() {
        let front = &fronts[(turn + i) % fronts.len()];
        if let Ok((mut server, _open)) = connect(&world, &let_in, front, here).await {
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            // Either side may end it.
            copy_bidirectional(&mut client, &mut server).await.ok();
            return;
        }
    }
}

async fn connect(world: &World, let_in: &LetIn, front: &str, here: IpAddr) -> io::Result<(TcpStream, Open)> {
    let server = SocketAddr::new(world.shape.address(front).parse().map_err(io::Error::other)?, 6443);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(here, 0))?;
    let open = let_in.put(socket.local_addr()?);
    match world.lock().reach(front, world.clock.now()) {
        Reach::All => {}
        _ => return Err(io::ErrorKind::ConnectionReset.into()),
    }
    Ok((socket.connect(server).await?, open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_let_in_while_it_is_open() {
        let let_in = LetIn::default();
        let lets = let_in.or(Arc::new(|_, _| false));
        let address: SocketAddr = "127.1.0.1:40000".parse().unwrap();
        assert!(!lets("runai-01", address));
        let open = let_in.put(address);
        assert!(lets("runai-01", address));
        drop(open);
        assert!(!lets("runai-01", address));
    }
}
