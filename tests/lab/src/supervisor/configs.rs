//! Configuration files of the lab's agents, coordinator and command line. The product's intervals are plain configuration: here they are
//! as short as the lab's seconds.

use super::scratch::Scratch;
use crate::world::Shape;
use podlift_common::tls::{Identity, Role, Subject, ca};
use podlift_model::{ClusterName, NodeName};

/// What agents may heal, as their configuration spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealMode {
    Enforce,
    Off,
}

/// Whose intervals hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As short as the lab's seconds.
    #[default]
    Lab,
    /// The product's own defaults.
    Product,
}

pub struct Addresses {
    pub coordinator: String,
    pub vip: String,
}

pub fn agent(
    shape: &Shape,
    node: &str,
    addresses: &Addresses,
    tools: &str,
    mode: HealMode,
    pace: Pace,
) -> String {
    let mode = match mode {
        HealMode::Enforce => "enforce",
        HealMode::Off => "off",
    };
    let text = format!(
        "node = \"{node}\"\ncluster = \"{}\"\ncoordinator = \"{}\"\n\
         [commands]\npath = [\"{tools}\"]\n\
         [heal]\nmode = \"{mode}\"\n",
        shape.cluster, addresses.coordinator
    );
    match pace {
        Pace::Product => text,
        Pace::Lab => {
            text + "tick = \"200ms\"\ncheck = \"1s\"\n\
                 [session]\nheartbeat = \"1s\"\nreconnect_max = \"1s\"\n\
                 [ops]\npoll = \"50ms\"\n"
        }
    }
}

/// The same agent with nothing to do but heal, as often as it likes.
pub fn quiet(agent: &str) -> String {
    let text = agent.replace(
        "tick = \"200ms\"\ncheck = \"1s\"",
        "tick = \"2s\"\ncheck = \"1h\"\nbudget_per_hour = 1000000\nfight_limit = 1000000",
    );
    text.replace("reconnect_max = \"1s\"", "reconnect_max = \"30s\"")
}

pub fn coordinator(shape: &Shape, addresses: &Addresses, scratch: &Scratch, pace: Pace) -> String {
    let at = |path: &str| scratch.at(path).display().to_string();
    let text = format!(
        "cluster = \"{}\"\nname = \"head\"\nlisten = \"{}\"\njournal = \"{}\"\n\
         [tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n\
         [kubernetes]\nkubeconfig = \"{}\"\nca = \"{}\"\nvip = \"{}\"\ntimeout = \"5s\"\nprobe_timeout = \"1s\"\n",
        shape.cluster,
        addresses.coordinator,
        at("head/journal.db"),
        at("head/tls/ca.crt"),
        at("head/tls/coordinator.crt"),
        at("head/tls/coordinator.key"),
        at("head/kubeconfig"),
        at("head/kubernetes-ca.crt"),
        addresses.vip,
    );
    match pace {
        Pace::Product => text,
        Pace::Lab => {
            text + "[run]\npoll = \"50ms\"\nprobe_interval = \"100ms\"\nobserve_timeout = \"30s\"\nreconnect = \"10s\"\nheartbeat = \"1s\"\n\
         [plan]\ndrain = \"30s\"\nsoak = \"1s\"\nguard = \"5m\"\nwait = \"1m\"\n"
        }
    }
}

pub fn command_line(addresses: &Addresses, scratch: &Scratch) -> String {
    let at = |path: &str| scratch.at(path).display().to_string();
    format!(
        "coordinator = \"{}\"\n[tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        addresses.coordinator,
        at("head/tls/ca.crt"),
        at("head/tls/operator.crt"),
        at("head/tls/operator.key"),
    )
}

/// podlift's own identity in the cluster, through the proxy.
pub fn kubeconfig(shape: &Shape, ca: &str) -> String {
    let cluster = &shape.cluster;
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: podlift\n\
         clusters:\n- name: {cluster}\n  cluster:\n    server: https://{}\n    certificate-authority: {ca}\n\
         users:\n- name: podlift\n  user:\n    token: {}\n\
         contexts:\n- name: podlift\n  context:\n    cluster: {cluster}\n    user: podlift\n",
        shape.proxy, shape.token
    )
}

/// podlift's CA, and a certificate for each agent, the coordinator and one operator.
pub fn certificates(shape: &Shape, scratch: &Scratch, now: jiff::Timestamp) -> anyhow::Result<()> {
    let cluster: ClusterName = shape.cluster.parse()?;
    let authority = ca::init(&cluster, now)?;
    let issue = |subject: Subject, role: Role, path: &str| -> anyhow::Result<()> {
        let identity = Identity { cluster: cluster.clone(), subject, role };
        let pair = ca::issue(&authority, &identity, &[], 7, now)?;
        scratch.write(&format!("{path}.crt"), &pair.certificate, 0o644)?;
        scratch.write(&format!("{path}.key"), &pair.key, 0o600)?;
        Ok(())
    };
    for node in shape.nodes() {
        let dir = format!("nodes/{node}/etc/podlift/tls");
        issue(Subject::Node(node.parse()?), Role::Viewer, &format!("{dir}/agent"))?;
        scratch.write(&format!("{dir}/ca.crt"), &authority.certificate, 0o644)?;
    }
    let head: NodeName = "head".parse()?;
    issue(Subject::Coordinator(head), Role::Viewer, "head/tls/coordinator")?;
    issue(Subject::Operator("demo".parse()?), Role::Admin, "head/tls/operator")?;
    scratch.write("head/tls/ca.crt", &authority.certificate, 0o644)?;
    Ok(())
}
