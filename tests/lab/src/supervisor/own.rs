//! Whose connection it is: in a lab of processes all nodes share one machine, and the node's own client is its agent.
#![allow(clippy::disallowed_methods)] // this is an edge: /proc

use super::processes::Processes;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Whether a connection to a node's API server from this address is the node's own.
pub type Own = Arc<dyn Fn(&str, SocketAddr) -> bool + Send + Sync>;

/// `head` is the address of other machines than the nodes.
pub fn of(processes: &Arc<Processes>, head: Option<IpAddr>) -> Own {
    let (processes, known) = (processes.clone(), Mutex::new(BTreeMap::<u32, Sockets>::new()));
    Arc::new(move |node, peer| {
        let Some(pid) = processes.pid(node).filter(|_| Some(peer.ip()) != head) else { return false };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(pid).or_default().has(&sockets(pid), peer)
    })
}

/// Nodes that are machines have a kernel's own rules.
pub fn everyone() -> Own {
    Arc::new(|_, _| true)
}

/// Sockets of a process by inode. The kernel takes milliseconds to write /proc/net/tcp, so it is read only if the process has a socket of
/// which nothing is known.
#[derive(Default)]
struct Sockets {
    /// Local address of each connection, as the table writes it.
    local: BTreeMap<u64, String>,
    /// In no row of the table at two looks: no connections of TCP.
    others: BTreeSet<u64>,
    /// In no row of the table at the last look.
    unconnected: BTreeSet<u64>,
}

impl Sockets {
    fn has(&mut self, now: &BTreeSet<u64>, peer: SocketAddr) -> bool {
        self.local.retain(|inode, _| now.contains(inode));
        self.others.retain(|inode| now.contains(inode));
        let known = |inode: &u64| self.local.contains_key(inode) || self.others.contains(inode);
        let new: BTreeSet<u64> = now.iter().filter(|inode| !known(inode)).copied().collect();
        if !new.is_empty() {
            self.learn(new, &std::fs::read_to_string("/proc/net/tcp").unwrap_or_default());
        }
        let IpAddr::V4(ip) = peer.ip() else { return false };
        let wanted = format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), peer.port());
        self.local.values().any(|local| *local == wanted)
    }

    fn learn(&mut self, new: BTreeSet<u64>, table: &str) {
        let mut unconnected = BTreeSet::new();
        for inode in new {
            match local(table, inode) {
                Some(address) => drop(self.local.insert(inode, address)),
                None if self.unconnected.contains(&inode) => drop(self.others.insert(inode)),
                None => drop(unconnected.insert(inode)),
            }
        }
        self.unconnected = unconnected;
    }
}

/// The local address of a socket, by its row.
fn local(table: &str, inode: u64) -> Option<String> {
    let text = inode.to_string();
    let (before, after) = table.split_once(&format!(" {text} "))?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let row = format!("{} {text} {}", &before[start..], after.lines().next()?);
    let fields: Vec<&str> = row.split_whitespace().collect();
    (*fields.get(9)? == text).then(|| fields[1].to_string())
}

/// Inodes of the sockets that a process has open.
fn sockets(pid: u32) -> BTreeSet<u64> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = descriptors.filter_map(|d| std::fs::read_link(d.path()).ok());
    let inode = |target: std::path::PathBuf| {
        let text = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        text.parse().ok()
    };
    targets.filter_map(inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn each_connection_is_found_at_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let (first, second) = (TcpStream::connect(to).unwrap(), TcpStream::connect(to).unwrap());
        let (me, mut mine, mut other) = (sockets(std::process::id()), Sockets::default(), Sockets::default());
        let parent = sockets(std::os::unix::process::parent_id());
        for stream in [&first, &second, &first] {
            let peer = stream.local_addr().unwrap();
            assert!(mine.has(&me, peer), "{peer}");
            assert!(!other.has(&parent, peer), "{peer}");
        }
        drop(first);
        let third = TcpStream::connect(to).unwrap();
        assert!(!mine.has(&me, third.local_addr().unwrap()), "its socket is not among them");
        assert!(mine.has(&sockets(std::process::id()), third.local_addr().unwrap()));
    }
}
