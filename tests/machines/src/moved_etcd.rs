//! etcd is restored to a second cluster while the first one runs on, and the manifest is pointed there: a real etcd answers at both. What
//! an administrator does by hand, and a watch on every byte that stands in the manifest meanwhile.

use crate::etcd::{FIRST, Place, SECOND, unit};
use crate::faults::AGENT;
use crate::fleet::Fleet;
use crate::machine::Machine;
use crate::watch;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
/// So often the first cluster has to have told the agent who it is before "nothing was written" means anything.
const ASKED: u64 = 3;

/// One control-plane node of a fleet whose etcd moves.
pub struct Move<'a> {
    fleet: &'a Fleet,
    node: &'a str,
    machine: Arc<Machine>,
}

impl<'a> Move<'a> {
    pub fn of(fleet: &'a Fleet, node: &'a str) -> Self {
        Self { fleet, node, machine: fleet.machine(node).clone() }
    }

    /// `https://ADDRESS:PORT` of this node's member.
    pub fn endpoint(&self, place: &Place) -> String {
        format!("https://{}:{}", self.machine.address, place.client)
    }

    /// What the heal of this node tells.
    async fn heal(&self) -> anyhow::Result<Value> {
        let all = self.fleet.document(&["heal", "status", self.node]).await?;
        Ok(all["nodes"][0]["heal"].clone())
    }

    /// Waits until the heal tells this.
    pub async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        watch::until(what, || async { Ok(Some(self.heal().await?).filter(|heal| is(heal))) })
            .await
            .with_context(|| self.machine.text(MANIFEST))
    }

    /// A snapshot of the first cluster becomes the second, with the same keys and another id; the first runs on.
    pub async fn restore(&self) -> anyhow::Result<()> {
        let Place { unit: service, state, token, peer, .. } = SECOND;
        let (name, address) = (&self.machine.name, &self.machine.address);
        let pki = format!("/etc/kubernetes/pki/{}", self.fleet.world().shape.cluster);
        let text = unit(&SECOND, name, address, &[(name.clone(), address.clone())]);
        self.machine.write(&format!("/etc/systemd/system/{service}"), text, 0o644)?;
        let script = format!(
            "export ETCDCTL_API=3; mkdir -p /var/lib/{state}
             etcdctl --endpoints={} --cacert={pki}/etcd/ca.crt --cert={pki}/apiserver-etcd-client.crt \
               --key={pki}/apiserver-etcd-client.key snapshot save /var/lib/{state}/first.db
             etcdctl snapshot restore /var/lib/{state}/first.db --name={name} --data-dir=/var/lib/{state}/data \
               --initial-cluster={name}=https://{address}:{peer} --initial-cluster-token={token} \
               --initial-advertise-peer-urls=https://{address}:{peer}
             chown -R etcd /var/lib/{state}; systemctl daemon-reload; systemctl start {service}",
            self.endpoint(&FIRST)
        );
        self.machine.run(&["sh", "-ec", &script]).await.map(drop)
    }

    /// What a person's editor does to `--etcd-servers`.
    pub async fn point(&self, servers: &str) -> anyhow::Result<()> {
        let edit = format!("s#--etcd-servers=.*#--etcd-servers={servers}#");
        self.machine.run(&["sed", "-i", &edit, MANIFEST]).await?;
        Ok(())
    }

    /// How often a member was asked which cluster it is of, by its own count.
    async fn asked(&self, place: &Place) -> anyhow::Result<u64> {
        let get = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3",
            place.metrics
        );
        let page = self.machine.run(&["bash", "-ec", &get]).await?;
        let asks = |l: &&str| {
            l.starts_with("grpc_server_handled_total{grpc_code=\"OK\"")
                && (l.contains("\"MemberList\"") || l.contains("grpc_method=\"Status\""))
        };
        let counts = page.lines().filter(asks).filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// Waits until the first cluster has answered the agent some more times: each answer is a temptation.
    pub async fn tempted(&self) -> anyhow::Result<()> {
        let before = self.asked(&FIRST).await?;
        watch::until("the first etcd is asked who it is", || async {
            Ok((self.asked(&FIRST).await? >= before + ASKED).then_some(()))
        })
        .await
    }

    /// Another process of the agent, which has only what is on the disk.
    pub async fn restart_agent(&self) -> anyhow::Result<()> {
        let before = self.machine.processes(AGENT);
        self.machine.run(&["systemctl", "restart", AGENT]).await?;
        let after = self.machine.processes(AGENT);
        ensure!(!after.is_empty() && after != before, "the agent was not restarted: {before:?} {after:?}");
        Ok(())
    }

    /// kubeadm writes all three manifests anew; its kubeadm-config has no endpoints.
    pub async fn kubeadm(&self) -> anyhow::Result<()> {
        let before = self.machine.text(MANIFEST);
        let ended = self.machine.ended(&["kubeadm", "upgrade", "node"]).await?;
        let after = self.machine.text(MANIFEST);
        ensure!(
            after.contains("--etcd-servers="),
            "kubeadm left no manifest: {}{}",
            ended.stdout,
            ended.stderr
        );
        anstream::eprintln!(
            "machines: kubeadm upgrade node exited {}; the manifest is {}",
            ended.code,
            if after == before { "as before" } else { "another" }
        );
        Ok(())
    }

    pub fn manifest(&self) -> String {
        self.machine.text(MANIFEST)
    }
}

/// Reads the manifest again and again, and remembers whether a text ever stood there.
pub struct Watched {
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    found: Arc<AtomicBool>,
}

impl Watched {
    pub fn begin(of: &Move<'_>, text: &str) -> Self {
        let this = Self { stop: Arc::default(), reads: Arc::default(), found: Arc::default() };
        let (stop, reads, found) = (this.stop.clone(), this.reads.clone(), this.found.clone());
        let (path, text) = (of.machine.path(MANIFEST), text.to_string());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if std::fs::read_to_string(&path).is_ok_and(|now| now.contains(&text)) {
                    found.store(true, Ordering::Relaxed);
                }
                reads.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        this
    }

    pub fn end(self) -> anyhow::Result<()> {
        ensure!(self.reads.load(Ordering::Relaxed) > 500, "the manifest was hardly looked at");
        ensure!(!self.found.load(Ordering::Relaxed), "the old etcd stood in the manifest again");
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
