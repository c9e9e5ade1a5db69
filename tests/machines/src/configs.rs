//! What an operator writes: configuration of agents, coordinator and command line, the certificates, the coordinator's own identity in the
//! cluster. Intervals are the product's own, but short where a person would only wait.

use crate::layer::write;
use podlift_common::tls::{Identity, Role, Subject, ca};
use podlift_lab::{RECIPIENT, Shape};
use podlift_model::{ClusterName, NodeName};
use std::path::Path;

/// Where the coordinator listens.
pub const PORT: u16 = 7443;
/// Name of the head node, as the lab's BCM knows it.
pub const HEAD: &str = podlift_lab::HEAD_NODE;

pub struct Authority {
    cluster: ClusterName,
    pair: ca::Pair,
    now: jiff::Timestamp,
}

impl Authority {
    pub fn new(shape: &Shape) -> anyhow::Result<Self> {
        let (cluster, now): (ClusterName, _) = (shape.cluster.parse()?, jiff::Timestamp::now());
        Ok(Self { pair: ca::init(&cluster, now)?, cluster, now })
    }

    fn issue(&self, subject: Subject, role: Role, to: &Path, name: &str) -> anyhow::Result<()> {
        let identity = Identity { cluster: self.cluster.clone(), subject, role };
        let pair = ca::issue(&self.pair, &identity, &[], 7, self.now)?;
        write(&to.join("ca.crt"), &self.pair.certificate, 0o644)?;
        write(&to.join(format!("{name}.crt")), &pair.certificate, 0o644)?;
        write(&to.join(format!("{name}.key")), &*pair.key, 0o600)
    }
}

/// `/etc/podlift` of a node.
pub fn node(authority: &Authority, shape: &Shape, root: &Path, node: &str, head: &str) -> anyhow::Result<()> {
    let dir = root.join("etc/podlift");
    authority.issue(Subject::Node(node.parse()?), Role::Viewer, &dir.join("tls"), "agent")?;
    let text = format!(
        "node = \"{node}\"\ncluster = \"{}\"\ncoordinator = \"{head}:{PORT}\"\n\
         [heal]\ntick = \"500ms\"\ncheck = \"2s\"\n[session]\nheartbeat = \"1s\"\nreconnect_max = \"2s\"\n\
         [ops]\npoll = \"200ms\"\nfree_bytes = 67108864\n[backup]\nrecipients = [\"{RECIPIENT}\"]\n",
        shape.cluster
    );
    write(&dir.join("agent.toml"), text, 0o600)
}

/// `/etc/podlift` of the agent of the head node, which has BCM's tools.
pub fn head_agent(authority: &Authority, shape: &Shape, root: &Path, address: &str) -> anyhow::Result<()> {
    let dir = root.join("etc/podlift");
    authority.issue(Subject::Head(HEAD.parse()?), Role::Viewer, &dir.join("tls"), "agent")?;
    let text = format!(
        "node = \"{HEAD}\"\nrole = \"head\"\ncluster = \"{}\"\ncoordinator = \"{address}:{PORT}\"\n\
         [session]\nheartbeat = \"1s\"\nreconnect_max = \"2s\"\n[ops]\npoll = \"200ms\"\nfree_bytes = 67108864\n\
         [bcm]\nsettle = \"500ms\"\n",
        shape.cluster
    );
    write(&dir.join("agent.toml"), text, 0o600)
}

/// The coordinator asks BCM through it.
pub fn asks_bcm() -> String {
    format!("[bcm]\nhead = \"{HEAD}\"\n")
}

/// `/etc/podlift` of the head node; `uid` is the coordinator's user.
pub fn head(
    authority: &Authority,
    shape: &Shape,
    root: &Path,
    address: &str,
    ca: &str,
    uid: u32,
) -> anyhow::Result<()> {
    let dir = root.join("etc/podlift");
    let name: NodeName = HEAD.parse()?;
    authority.issue(Subject::Coordinator(name), Role::Viewer, &dir.join("tls"), "coordinator")?;
    authority.issue(Subject::Operator("tests".parse()?), Role::Admin, &dir.join("tls"), "operator")?;
    write(&dir.join("kubernetes-ca.crt"), ca, 0o644)?;
    write(&dir.join("kubeconfig"), kubeconfig(shape), 0o600)?;
    write(&dir.join("coordinator.toml"), coordinator(shape, address), 0o644)?;
    write(&dir.join("podlift.toml"), format!("coordinator = \"{address}:{PORT}\"\n"), 0o644)?;
    for file in ["kubeconfig", "tls/coordinator.key"] {
        std::os::unix::fs::chown(dir.join(file), Some(uid), Some(uid))?;
    }
    Ok(())
}

fn coordinator(shape: &Shape, address: &str) -> String {
    format!(
        "cluster = \"{}\"\nname = \"{HEAD}\"\nlisten = \"{address}:{PORT}\"\n\
         [kubernetes]\nkubeconfig = \"/etc/podlift/kubeconfig\"\nca = \"/etc/podlift/kubernetes-ca.crt\"\nvip = \"{}\"\n\
         [run]\npoll = \"200ms\"\nprobe_interval = \"500ms\"\nobserve_timeout = \"30s\"\nreconnect = \"90s\"\nheartbeat = \"1s\"\n\
         [plan]\ndrain = \"1m\"\nsoak = \"1s\"\nguard = \"10m\"\nwait = \"3m\"\nmax_unavailable = 1\n\
         [backup]\nrecipients = [\"{RECIPIENT}\"]\n",
        shape.cluster, shape.proxy
    )
}

/// podlift's own identity, through the proxy.
pub fn kubeconfig(shape: &Shape) -> String {
    let cluster = &shape.cluster;
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: podlift\n\
         clusters:\n- name: {cluster}\n  cluster:\n    server: https://{}\n    certificate-authority: /etc/podlift/kubernetes-ca.crt\n\
         users:\n- name: podlift\n  user:\n    token: {}\n\
         contexts:\n- name: podlift\n  context:\n    cluster: {cluster}\n    user: podlift\n",
        shape.proxy, shape.token
    )
}
