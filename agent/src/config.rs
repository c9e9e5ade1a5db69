//! The agent's configuration file. Unknown keys are an error. Each setting has the default that is documented here.

mod bcm;

pub use crate::interlock::AllowedUnit;
pub use crate::recipient::Recipient;
pub use bcm::{Bcm, BcmApi};
use podlift_common::config::duration;
use podlift_common::metrics::Listen;
use podlift_common::telemetry;
use podlift_common::tls::Subject;
pub use podlift_heal::settings::{Heal, Mode};
use podlift_model::{ClusterName, NodeName};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Kubernetes name of this node, or the name of this head node, which is no Kubernetes node. The certificate must have the same name.
    pub node: NodeName,
    /// BCM's name of the Kubernetes cluster. The certificate must have the same name.
    pub cluster: ClusterName,
    /// Address on which the coordinator listens for agents, e.g. "10.141.255.254:7443".
    pub coordinator: SocketAddr,
    /// The node's role: "control-plane", "worker" or "head". By default a node with /etc/kubernetes/admin.conf, or with learned
    /// expectations, is a control-plane node.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether /var/lib/podlift may be on another file system than /etc/kubernetes. false
    #[serde(default)]
    pub allow_other_filesystem: bool,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub commands: Commands,
    #[serde(default)]
    pub heal: Heal,
    #[serde(default)]
    pub session: Session,
    #[serde(default)]
    pub ops: Ops,
    /// Of a head node.
    #[serde(default)]
    pub bcm: Bcm,
    #[serde(default)]
    pub interlock: Interlock,
    #[serde(default)]
    pub backup: Backup,
    #[serde(default)]
    pub metrics: Metrics,
    #[serde(default)]
    pub telemetry: telemetry::Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    ControlPlane,
    Worker,
    /// The BCM head node. It answers questions to BCM, and has no kubelet and no manifests to heal.
    Head,
}

/// An interval below this would keep a processor busy.
pub(crate) const SHORTEST: Duration = Duration::from_millis(10);

/// Paths of PEM files on the node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// "/etc/podlift/tls/ca.crt"
    pub ca: PathBuf,
    /// "/etc/podlift/tls/agent.crt"
    pub certificate: PathBuf,
    /// "/etc/podlift/tls/agent.key"
    pub key: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Commands {
    /// Folders searched for programs, in order; also the PATH of the started programs. By default the usual six of a Debian root, and those
    /// of BCM's own tools and etcd.
    pub path: Vec<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Longest interval between heartbeats; the coordinator may ask for a shorter one. "5s"
    #[serde(with = "duration")]
    pub heartbeat: Duration,
    /// Longest pause between two attempts to reach the coordinator. "30s"
    #[serde(with = "duration")]
    pub reconnect_max: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ops {
    /// Interval between looks at a running unit. "1s"
    #[serde(with = "duration")]
    pub poll: Duration,
    /// Time limit of a kubeadm unit. It must be longer than kubeadm's own limits, because a killed kubeadm rolls nothing back. kubeadm 1.32
    /// waits for each of three components five minutes for its new hash and five for its pod (`upgrade/staticpods.go`), which is 30; for a
    /// stacked etcd twice 150 s and calls of two minutes. The rest is for its preflight job, API calls and the pull of five images. "60m"
    #[serde(with = "duration")]
    pub kubeadm_timeout: Duration,
    /// Time limit of downloads and image pulls. An installation is never ended from outside. "20m"
    #[serde(with = "duration")]
    pub download_timeout: Duration,
    /// Time limit of an etcd snapshot. "10m"
    #[serde(with = "duration")]
    pub snapshot_timeout: Duration,
    /// How long to wait for another program's lock on apt or dpkg. "5m"
    #[serde(with = "duration")]
    pub lock_timeout: Duration,
    /// Free bytes that /var must have before packages are downloaded or installed. 1 GiB
    pub free_bytes: u64,
    /// Whether this node's API server may step aside before it restarts: new connections of other hosts to its port are refused for a
    /// while (docs/step-aside.md). true
    pub step_aside: bool,
    /// Whether kubeadm may renew certificates; false if another tool distributes and renews them. true
    pub certificate_renewal: bool,
}

/// When devices (GPUs, InfiniBand) in use stop an op (docs/interlock.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Interlock {
    /// Services whose processes may hold devices, besides those that the agent knows: "nvsm*", "site-monitor.service". []
    pub allow: Vec<AllowedUnit>,
    /// How long an op waits for the release of devices before it is refused. "15s"
    #[serde(with = "duration")]
    pub wait: Duration,
}

impl Default for Interlock {
    fn default() -> Self {
        Self { allow: Vec::new(), wait: Duration::from_secs(15) }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// age recipients to which this node encrypts the secrets of a backup. A coordinator may choose among them, but not add one. Without
    /// recipients the node hands out no secret. []
    pub recipients: Vec<Recipient>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where Prometheus can scrape: an address of this machine, or "off". "127.0.0.1:7445"
    pub listen: Listen,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: Listen::loopback(7445) }
    }
}

impl Default for Tls {
    fn default() -> Self {
        let file = |name: &str| PathBuf::from("/etc/podlift/tls").join(name);
        Self { ca: file("ca.crt"), certificate: file("agent.crt"), key: file("agent.key") }
    }
}

impl Default for Commands {
    fn default() -> Self {
        let usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        // BCM installs its own etcd, and its own tools on a head node.
        let own = [
            "/cm/local/apps/etcd/current/bin",
            "/cm/local/apps/cmd/bin",
            "/cm/local/apps/cmd/sbin",
            "/cm/local/apps/cm-setup/bin",
            "/cm/local/apps/cluster-tools/bin",
        ];
        let dirs = usual.iter().chain(&own);
        Self { path: dirs.map(PathBuf::from).collect() }
    }
}

impl Commands {
    /// The folders as the value of PATH.
    pub fn joined(&self) -> String {
        let dirs: Vec<String> = self.path.iter().map(|p| p.display().to_string()).collect();
        dirs.join(":")
    }
}

impl Default for Session {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(5), reconnect_max: Duration::from_secs(30) }
    }
}

impl Default for Ops {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            kubeadm_timeout: Duration::from_secs(60 * 60),
            download_timeout: Duration::from_secs(20 * 60),
            snapshot_timeout: Duration::from_secs(10 * 60),
            lock_timeout: Duration::from_secs(5 * 60),
            free_bytes: 1 << 30,
            step_aside: true,
            certificate_renewal: true,
        }
    }
}

/// A setting that can't work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration {field} = {value} is not valid: expected {expected}")]
pub struct InvalidSetting {
    pub field: &'static str,
    pub value: String,
    pub expected: &'static str,
}

impl Config {
    /// A configuration with all defaults, for a node of a cluster.
    pub fn new(node: NodeName, cluster: ClusterName, coordinator: SocketAddr) -> Self {
        Self {
            node,
            cluster,
            coordinator,
            role: None,
            allow_other_filesystem: false,
            tls: Tls::default(),
            commands: Commands::default(),
            heal: Heal::default(),
            session: Session::default(),
            ops: Ops::default(),
            bcm: Bcm::default(),
            interlock: Interlock::default(),
            backup: Backup::default(),
            metrics: Metrics::default(),
            telemetry: telemetry::Settings::default(),
        }
    }

    pub fn is_head(&self) -> bool {
        self.role == Some(Role::Head)
    }

    /// The subject that the certificate must have.
    pub(crate) fn subject(&self) -> Subject {
        let name = self.node.clone();
        if self.is_head() { Subject::Head(name) } else { Subject::Node(name) }
    }

    /// The settings of the heal. A head node has no manifests, so its heal is off, whatever the file contains.
    pub(crate) fn own_heal(&self) -> Heal {
        let mode = if self.is_head() { Mode::Off } else { self.heal.mode };
        Heal { mode, ..self.heal.clone() }
    }

    /// Whether memory and manifests may be on different file systems.
    pub(crate) fn may_be_apart(&self) -> bool {
        self.allow_other_filesystem || self.is_head()
    }

    /// Checks what the types don't enforce.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        let intervals = [
            ("heal.tick", self.heal.tick),
            ("heal.check", self.heal.check),
            ("session.heartbeat", self.session.heartbeat),
            ("session.reconnect_max", self.session.reconnect_max),
            ("ops.poll", self.ops.poll),
            ("bcm.settle", self.bcm.settle),
        ];
        for (field, value) in intervals {
            if value < SHORTEST {
                return Err(InvalidSetting { field, value: format!("{value:?}"), expected: "at least 10ms" });
            }
        }
        if let Some(relative) = self.commands.path.iter().find(|p| !p.is_absolute()) {
            let value = relative.display().to_string();
            return Err(InvalidSetting { field: "commands.path", value, expected: "absolute folders" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const HEAD: &str = "node = \"dgx030\"\ncluster = \"runaicluster\"\ncoordinator = \"10.0.0.1:7443\"\n";

    fn parse(rest: &str) -> Result<Config, String> {
        let text = format!("{HEAD}{rest}");
        podlift_common::config::parse::<Config>(&text, Path::new("/etc/podlift/agent.toml"))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_example_is_a_configuration() {
        let text = include_str!("../../deploy/config/agent.toml");
        let c: Config = podlift_common::config::parse(text, Path::new("agent.toml")).unwrap();
        assert_eq!(c.check(), Ok(()));
        let settings = [
            "tick",
            "mode",
            "poll",
            "heartbeat",
            "listen",
            "otlp_endpoint",
            "certificate_renewal",
            "step_aside",
            "allow",
            "wait",
        ];
        let all =
            settings.iter().fold(text.to_string(), |t, s| t.replace(&format!("# {s} ="), &format!("{s} =")));
        let all: Config = podlift_common::config::parse(&all, Path::new("agent.toml")).unwrap();
        assert_eq!(all.metrics.listen, Metrics::default().listen, "the example shows another default");
        assert_eq!(all.interlock.wait, Interlock::default().wait, "the example shows another default");
        assert_eq!(all.interlock.allow.len(), 2, "the example shows the option");
        assert!(all.telemetry.otlp_endpoint.is_some(), "the example shows the option");
    }

    #[test]
    fn defaults_and_overrides() {
        let c = parse("[heal]\nmode = \"observe\"\ntick = \"500ms\"\n").unwrap();
        assert_eq!(
            (c.heal.mode, c.heal.tick, c.heal.budget_per_hour),
            (Mode::Observe, Duration::from_millis(500), 6)
        );
        assert_eq!(c.tls.key, Path::new("/etc/podlift/tls/agent.key"));
        assert!(c.commands.joined().contains("/usr/sbin:/usr/bin"));
        assert_eq!(c.check(), Ok(()));
    }

    #[test]
    fn what_it_does_not_know_is_refused_with_the_place() {
        let cases = [
            ("[heal]\nmodus = \"x\"\n", "unknown field `modus`"),
            ("[heal]\nmode = \"x\"\n", "unknown variant `x`"),
            ("[session]\nheartbeat = \"5\"\n", "not a duration"),
            ("nodes = 1\n", "unknown field `nodes`"),
            ("[metrics]\nlisten = \"7445\"\n", "metrics.listen = \"7445\" is not valid: expected an address"),
            ("[metrics]\nport = 1\n", "unknown field `port`"),
            (
                "[backup]\nrecipients = [\"ssh-ed25519 AAAA\"]\n",
                "backup.recipients = \"ssh-ed25519 AAAA\" is not valid: expected age1",
            ),
            ("[backup]\nrecipients = [\"AGE-SECRET-KEY-1ABC\"]\n", "that is a secret key"),
            ("[interlock]\nallow = [\"gpu monitor\"]\n", "interlock.allow = \"gpu monitor\" is not valid"),
            ("[interlock]\nwait = \"15\"\n", "not a duration"),
            ("[telemetry]\notlp_endpoint = \"here\"\n", "telemetry.otlp_endpoint = \"here\" is not valid"),
        ];
        for (text, want) in cases {
            let e = parse(text).unwrap_err();
            assert!(e.contains(want) && e.contains("/etc/podlift/agent.toml"), "{e}");
        }
    }

    #[test]
    fn an_identity_in_the_place_of_a_recipient_is_not_repeated() {
        let e = parse("[backup]\nrecipients = [\"AGE-SECRET-KEY-1ABC\"]\n").unwrap_err();
        let told = e.lines().filter(|line| !line.contains('|')).collect::<String>();
        assert!(!told.contains("1ABC"), "{e}");
    }

    #[test]
    fn kubeadm_is_not_ended_before_it_gives_up() {
        let (component, etcd, image) =
            (Duration::from_secs(2 * 300), Duration::from_secs(2 * 150 + 180), Duration::from_secs(120));
        assert!(Ops::default().kubeadm_timeout >= component * 3 + etcd + image * 5);
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let cases = [
            ("[ops]\npoll = \"0s\"\n", "ops.poll"),
            ("[bcm]\nsettle = \"0s\"\n", "bcm.settle"),
            ("[commands]\npath = [\"bin\"]\n", "commands.path"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).unwrap().check().unwrap_err().field, want);
        }
    }
}
