//! etcd restored beside itself: a second cluster on the same machines, the first one left running, and people who point API servers to the
//! new one. From then on no agent may send an API server back.

use super::core::World;
use super::manifests::DIR;
use super::written::Writer;
use std::path::Path;

const FILE: &str = "kube-apiserver.yaml";

impl World {
    /// etcd as it is restored into new data directories, at another client port. The old members run on. Returns its endpoints.
    pub fn restore_etcd(&self, port: u16) -> Vec<String> {
        self.update(|s| {
            let restored = s.etcd.restored(port);
            let endpoints = restored.endpoints();
            s.more_etcds.push(restored);
            s.moved_at = Some(s.written.len());
            endpoints
        })
    }

    /// Endpoints of the newest cluster, as a flag has them.
    pub fn newest_etcd(&self) -> String {
        let s = self.lock();
        s.more_etcds.last().unwrap_or(&s.etcd).endpoints().join(",")
    }

    /// A person writes a manifest: another file, renamed over the old one.
    pub fn by_hand(&self, node: &str, file: &str, text: &str) -> std::io::Result<()> {
        let (disk, new) = (self.disk(node), Path::new("/etc/kubernetes/tmp/by-hand"));
        disk.put_synced(new, text.as_bytes(), 0o600)?;
        let target = Path::new(DIR).join(file);
        self.writes(node, &target, Writer::Other, || disk.rename(new, &target))
    }

    /// A person gives a node's API server these endpoints.
    pub fn point_by_hand(&self, node: &str, servers: &str) -> std::io::Result<()> {
        let old = self.disk(node).text(&format!("{DIR}/{FILE}"));
        let line = |l: &str| match l.trim_start().starts_with("- --etcd-servers=") {
            true => format!("    - --etcd-servers={servers}\n"),
            false => format!("{l}\n"),
        };
        self.by_hand(node, FILE, &old.lines().map(line).collect::<String>())
    }

    /// What no agent may ever have done: an API server sent to an etcd that was left, or two behind one address with two stores.
    pub fn wrong_stores(&self) -> Vec<String> {
        let (moved, old) = {
            let s = self.lock();
            let newest = s.more_etcds.last().unwrap_or(&s.etcd).cluster;
            let old: Vec<u64> = s.etcds().map(|e| e.cluster).filter(|c| *c != newest).collect();
            (s.moved_at, old)
        };
        let back = |cluster: &u64| self.agents_wrote_towards(*cluster, moved.unwrap_or(usize::MAX));
        let mut all: Vec<String> = old.iter().flat_map(back).collect();
        all.iter_mut().for_each(|w| *w = format!("{w}: an agent's write towards an etcd that was left"));
        let splits = self.lock().splits.clone();
        let split = splits.iter().filter(|s| s.by == Writer::Agent);
        all.extend(split.map(|s| {
            format!("{}: an agent's write made it serve {} beside {:?}", s.node, s.store, s.others)
        }));
        all
    }
}
