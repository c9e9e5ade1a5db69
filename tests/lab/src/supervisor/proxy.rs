//! BCM's proxy in front of the API servers: plain TCP, round robin, the next one where one refuses, be it the server's machine or a rule of
//! its firewall; a connection that no server takes is closed.

use crate::world::World;
use crate::world::firewall::Reach;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub async fn keep(world: Arc<World>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        turn += 1;
        connections.spawn(pass(world.clone(), turn, client));
    }
}

async fn pass(world: Arc<World>, turn: usize, mut client: TcpStream) {
    let fronts = &world.shape.control_planes;
    for i in 0..fronts.len() {
        let front = &fronts[(turn + i) % fronts.len()];
        if world.lock().reach(front, world.clock.now()) != Reach::All {
            continue;
        }
        let address = world.shape.address(front);
        if let Ok(mut server) = TcpStream::connect((address.as_str(), 6443)).await {
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            // Either side may end it.
            copy_bidirectional(&mut client, &mut server).await.ok();
            return;
        }
    }
}
