//! Whose connection it is: in a lab of processes all nodes share one machine, and the node's own client is its agent.
#![allow(clippy::disallowed_methods)] // this is an edge: /proc

use super::processes::Processes;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// Whether a connection to a node's API server from this address is the node's own.
pub type Own = Arc<dyn Fn(&str, SocketAddr) -> bool + Send + Sync>;

/// `head` is the address of other machines than the nodes: what comes from there needs no look at /proc, which is slow where thousands of
/// connections have just ended.
pub fn of(processes: &Arc<Processes>, head: Option<IpAddr>) -> Own {
    let processes = processes.clone();
    Arc::new(move |node, peer| {
        let holds = |pid| inode(peer).is_some_and(|inode| has_socket(pid, inode));
        Some(peer.ip()) != head && processes.pid(node).is_some_and(holds)
    })
}

/// Nodes that are machines have a kernel's own rules.
pub fn everyone() -> Own {
    Arc::new(|_, _| true)
}

/// Of the socket that is bound to this address, by /proc/net/tcp. Only its own row is taken apart: the table has thousands of connections
/// that have just ended.
fn inode(local: SocketAddr) -> Option<u64> {
    let IpAddr::V4(ip) = local.ip() else { return None };
    let wanted = format!(": {:08X}:{:04X} ", u32::from_le_bytes(ip.octets()), local.port());
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let row = &table[table.find(&wanted)?..];
    row.lines().next()?.split_whitespace().nth(9)?.parse().ok()
}

fn has_socket(pid: u32, inode: u64) -> bool {
    let wanted = format!("socket:[{inode}]");
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut targets = descriptors.filter_map(|d| std::fs::read_link(d.path()).ok());
    targets.any(|t| t == Path::new(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_found_at_its_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let inode = inode(client.local_addr().unwrap()).unwrap();
        assert!(has_socket(std::process::id(), inode));
        assert!(!has_socket(std::os::unix::process::parent_id(), inode));
    }
}
