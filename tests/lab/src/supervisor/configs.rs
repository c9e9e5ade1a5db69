//! Configuration files of the lab's agents, coordinator and command line. The product's intervals are plain configuration: here they are
//! as short as the lab's seconds.

use super::scratch::Scratch;
use crate::RECIPIENT;
use crate::doubles::bcm::api::PORT;
use crate::world::Shape;
use podlift_common::tls::{Identity, Role, Subject, ca};
use podlift_model::{ClusterName, NodeName};
use serde::Deserialize;
use std::net::IpAddr;

/// What agents may heal, as their configuration spells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealMode {
    #[default]
    Enforce,
    Off,
}

pub struct Addresses {
    pub coordinator: String,
    /// Where a second coordinator listens.
    pub second: String,
    pub vip: String,
}

impl Addresses {
    pub fn of(network: &str) -> Self {
        let at = |host_port: &str| format!("{network}.{host_port}");
        Self { coordinator: at("1:7443"), second: at("2:7443"), vip: at("1:10443") }
    }

    /// Where the proxy runs.
    pub fn head(&self) -> Option<IpAddr> {
        self.vip.split(':').next()?.parse().ok()
    }
}

/// The coordinator's own settings, as its file spells them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Tuning {
    /// How long a drain may take.
    pub drain: String,
    /// How long any other wait may take.
    pub wait: String,
    /// How long an op waits for its agent to come back.
    pub reconnect: String,
    /// How long a new API server must stay ready.
    pub soak: String,
    /// How long new connections to an API server are refused before it stops.
    pub aside: String,
    /// Workers at once; by the number of workers where it is not given.
    pub max_unavailable: Option<u32>,
    /// Text of policy.toml; without it the site has no policy.
    pub policy: Option<String>,
    /// What the sentinel does outside of runs; the coordinator's own default without it.
    pub sentinel: Option<String>,
}

impl Default for Tuning {
    fn default() -> Self {
        let text = |t: &str| t.to_string();
        Self {
            drain: text("30s"),
            wait: text("1m"),
            reconnect: text("10s"),
            soak: text("1s"),
            aside: text("3s"),
            max_unavailable: None,
            policy: None,
            sentinel: None,
        }
    }
}

/// Intervals that cost something on every node: as short as a small lab bears, and those of a real site for a large one.
struct Pace {
    tick: u64,
    check: u64,
    heartbeat: u64,
    unit_poll: u64,
    poll: u64,
    probe: u64,
    probe_timeout: u64,
}

/// Milliseconds by the number of nodes.
fn pace(nodes: usize) -> Pace {
    let each = |least: u64, per_node: u64, most: u64| (nodes as u64 * per_node).clamp(least, most);
    Pace {
        tick: each(200, 10, 2_000),
        check: each(1_000, 100, 30_000),
        heartbeat: each(1_000, 25, 5_000),
        unit_poll: each(50, 5, 1_000),
        poll: each(100, 2, 1_000),
        probe: each(100, 5, 1_000),
        // A machine that carries hundreds of agents is slow to answer, and that is no outage.
        probe_timeout: each(1_000, 50, 10_000),
    }
}

pub fn agent(shape: &Shape, node: &str, addresses: &Addresses, tools: &str, mode: HealMode) -> String {
    let mode = match mode {
        HealMode::Enforce => "enforce",
        HealMode::Off => "off",
    };
    let Pace { tick, check, heartbeat, unit_poll, .. } = pace(shape.nodes().count());
    format!(
        "node = \"{node}\"\ncluster = \"{}\"\ncoordinator = \"{}\"\n\
         [commands]\npath = [\"{tools}\"]\n\
         [heal]\nmode = \"{mode}\"\ntick = \"{tick}ms\"\ncheck = \"{check}ms\"\n\
         [session]\nheartbeat = \"{heartbeat}ms\"\nreconnect_max = \"1s\"\n\
         [ops]\npoll = \"{unit_poll}ms\"\n\
         [interlock]\nwait = \"1s\"\n\
         [backup]\nrecipients = [\"{RECIPIENT}\"]\n\
         [metrics]\nlisten = \"off\"\n",
        shape.cluster, addresses.coordinator
    )
}

/// Name of the head node, as its agent and the coordinator know it.
pub const HEAD_NODE: &str = crate::doubles::HEAD;
/// The root of its agent, in the lab's folder.
pub const HEAD_ROOT: &str = "head/root";

/// The agent of the head node, which has BCM's tools.
pub fn head_agent(shape: &Shape, addresses: &Addresses, tools: &str) -> String {
    let agent = agent(shape, HEAD_NODE, addresses, tools, HealMode::Off);
    let agent = agent.replacen("cluster = ", "role = \"head\"\ncluster = ", 1);
    // CMDaemon's tasks follow each other by the lab's seconds.
    let agent = agent + "[bcm]\nsettle = \"300ms\"\n";
    if !shape.bcm_api {
        return agent;
    }
    let files = "certificate = \"/root/.cm/admin.pem\"\nkey = \"/root/.cm/admin.key\"\nca = \"/root/.cm/cacert.pem\"\n";
    format!("{agent}[bcm.api]\nurl = \"https://{}.1:{PORT}\"\n{files}", shape.network)
}

/// The same agent with nothing to do but heal, as often as it likes.
pub fn quiet(agent: &str) -> String {
    let text = agent.replace(
        "tick = \"200ms\"\ncheck = \"1000ms\"",
        "tick = \"2s\"\ncheck = \"1h\"\nbudget_per_hour = 1000000\nfight_limit = 1000000",
    );
    text.replace("reconnect_max = \"1s\"", "reconnect_max = \"30s\"")
}

/// The site's policy, in the lab's folder.
pub const POLICY: &str = "head/policy.toml";

/// Where a coordinator's metrics are: beside it.
pub fn metrics(coordinator: &str) -> String {
    let host = coordinator.rsplit_once(':').map_or(coordinator, |(host, _)| host);
    format!("{host}:7444")
}

/// `listen` is where this coordinator is to be found.
pub fn coordinator(
    shape: &Shape,
    listen: &str,
    addresses: &Addresses,
    scratch: &Scratch,
    tuning: &Tuning,
) -> String {
    let Pace { poll, heartbeat, probe, probe_timeout, .. } = pace(shape.nodes().count());
    let (heartbeat, api_timeout) = (heartbeat.div_ceil(1000), probe_timeout.max(5_000));
    let metrics = metrics(listen);
    let Tuning { drain, wait, reconnect, soak, aside, .. } = tuning;
    let at_once = tuning.max_unavailable.unwrap_or(shape.workers.len() as u32 / 10).max(1);
    let at = |path: &str| scratch.at(path).display().to_string();
    let sentinel = tuning.sentinel.as_ref().map(|mode| format!("[sentinel]\nmode = \"{mode}\"\n"));
    let text = format!(
        "cluster = \"{}\"\nname = \"head\"\nlisten = \"{}\"\njournal = \"{}\"\npolicy = \"{}\"\n\
         [tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n\
         [kubernetes]\nkubeconfig = \"{}\"\nca = \"{}\"\nvip = \"{}\"\ntimeout = \"{api_timeout}ms\"\nprobe_timeout = \"{probe_timeout}ms\"\n\
         [run]\npoll = \"{poll}ms\"\nprobe_interval = \"{probe}ms\"\nobserve_timeout = \"30s\"\nreconnect = \"{reconnect}\"\nheartbeat = \"{heartbeat}s\"\n\
         [plan]\ndrain = \"{drain}\"\nsoak = \"{soak}\"\naside = \"{aside}\"\nguard = \"5m\"\nwait = \"{wait}\"\nmax_unavailable = {at_once}\n\
         [metrics]\nlisten = \"{metrics}\"\n\
         [bcm]\nhead = \"{HEAD_NODE}\"\n\
         [backup]\ndirectory = \"{}\"\nrecipients = [\"{RECIPIENT}\"]\n",
        shape.cluster,
        listen,
        at("head/journal.db"),
        at(POLICY),
        at("head/tls/ca.crt"),
        at("head/tls/coordinator.crt"),
        at("head/tls/coordinator.key"),
        at("head/kubeconfig"),
        at("head/kubernetes-ca.crt"),
        addresses.vip,
        at("head/backups"),
    );
    text + &sentinel.unwrap_or_default()
}

pub fn command_line(coordinator: &str, scratch: &Scratch) -> String {
    let at = |path: &str| scratch.at(path).display().to_string();
    format!(
        "coordinator = \"{coordinator}\"\n[tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
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
        let pair = ca::issue(&authority, &identity, &[], 365, now)?;
        scratch.write(&format!("{path}.crt"), &pair.certificate, 0o644)?;
        scratch.write(&format!("{path}.key"), &pair.key, 0o600)?;
        Ok(())
    };
    for node in shape.nodes() {
        let dir = format!("nodes/{node}/etc/podlift/tls");
        issue(Subject::Node(node.parse()?), Role::Viewer, &format!("{dir}/agent"))?;
        scratch.write(&format!("{dir}/ca.crt"), &authority.certificate, 0o644)?;
    }
    let dir = format!("{HEAD_ROOT}/etc/podlift/tls");
    issue(Subject::Head(HEAD_NODE.parse()?), Role::Viewer, &format!("{dir}/agent"))?;
    scratch.write(&format!("{dir}/ca.crt"), &authority.certificate, 0o644)?;
    let head: NodeName = "head".parse()?;
    issue(Subject::Coordinator(head), Role::Viewer, "head/tls/coordinator")?;
    issue(Subject::Operator("demo".parse()?), Role::Admin, "head/tls/operator")?;
    scratch.write("head/tls/ca.crt", &authority.certificate, 0o644)?;
    Ok(())
}
