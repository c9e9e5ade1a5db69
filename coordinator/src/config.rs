//! The coordinator's configuration file. Unknown keys are refused; a missing key has the default documented here.

mod bcm;

pub use bcm::Bcm;

use crate::backup::BackupSettings;
use crate::core::Settings;
use crate::dispatch::HubSettings;
use crate::exec::ExecSettings;
use crate::journal::archive::Archives;
use crate::sentinel::SentinelSettings;
use crate::validate::ValidateSettings;
use podlift_common::config::duration;
use podlift_common::metrics::Listen;
use podlift_common::telemetry;
use podlift_engine::program::{PlanOptions, SitePolicy};
use podlift_model::{ClusterName, NodeName};
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// BCM's name of the Kubernetes cluster; every certificate must contain the same name.
    pub cluster: ClusterName,
    /// Name of this coordinator; its certificate must contain the same name.
    pub name: NodeName,
    /// Where agents and people connect, e.g. "10.141.255.254:7443". Port 0 takes any free port, which is shown at the start.
    pub listen: SocketAddr,
    #[serde(default)]
    pub tls: Tls,
    /// The journal's file, on a local disk. "/var/lib/podlift/coordinator/journal.db"
    #[serde(default = "journal")]
    pub journal: PathBuf,
    /// Rules of this site, which take precedence over `[plan]`; the file may be missing. "/etc/podlift/policy.toml"
    #[serde(default = "policy")]
    pub policy: PathBuf,
    pub kubernetes: Kubernetes,
    /// The agent that answers for BCM; BCM is not asked if this is absent.
    pub bcm: Option<Bcm>,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub metrics: Metrics,
    #[serde(default)]
    pub telemetry: telemetry::Settings,
    #[serde(default)]
    pub run: Run,
    #[serde(default)]
    pub plan: Plan,
    #[serde(default)]
    pub backup: BackupSettings,
    #[serde(default)]
    pub sentinel: SentinelSettings,
    #[serde(default)]
    pub validate: ValidateSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// "/etc/podlift/tls/ca.crt"
    pub ca: PathBuf,
    /// "/etc/podlift/tls/coordinator.crt"
    pub certificate: PathBuf,
    /// "/etc/podlift/tls/coordinator.key"
    pub key: PathBuf,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Whether gRPC reflection is served, to any client with a certificate: for grpcurl. false
    pub reflection: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where Prometheus may connect: an address of this machine, or "off". "127.0.0.1:7444"
    pub listen: Listen,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// podlift's own identity in the cluster; never admin.conf.
    pub kubeconfig: PathBuf,
    /// CA of the API servers, for probes of each server by its own address.
    pub ca: PathBuf,
    /// HOST:PORT of the shared address: the proxy in front of the API servers.
    pub vip: String,
    /// Time limit of one answer of the API. "10s"
    #[serde(with = "duration", default = "api_timeout")]
    pub timeout: Duration,
    /// Time limit of one probe. "2s"
    #[serde(with = "duration", default = "probe_timeout")]
    pub probe_timeout: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Time between two looks at what a step waits for. "1s"
    #[serde(with = "duration")]
    pub poll: Duration,
    /// Time between two probes of each API server while a run is open. "1s"
    #[serde(with = "duration")]
    pub probe_interval: Duration,
    /// Time between two reads of an object at each API server while a run changes the control plane. "50ms"
    #[serde(with = "duration")]
    pub read_interval: Duration,
    /// How long an agent may take for an observation. "2m"
    #[serde(with = "duration")]
    pub observe_timeout: Duration,
    /// How long an op waits for its agent to reconnect. "30s"
    #[serde(with = "duration")]
    pub reconnect: Duration,
    /// Heartbeat interval that agents must keep. "5s"
    #[serde(with = "duration")]
    pub heartbeat: Duration,
}

/// Options of a plan whose request does not set them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Workers that may be unavailable at once, from 1. 1
    pub max_unavailable: NonZeroU32,
    /// Workers that go first and alone. 1
    pub canary: u32,
    /// How long the first workers must stay Ready with work on them before the next one is touched. "0s"
    #[serde(with = "duration")]
    pub canary_soak: Duration,
    /// How long a drain may take before the run pauses. "30m"
    #[serde(with = "duration")]
    pub drain: Duration,
    /// How long a new API server must stay ready. "30s"
    #[serde(with = "duration")]
    pub soak: Duration,
    /// How long new connections to an API server are refused before it stops (docs/step-aside.md). "3s"
    #[serde(with = "duration")]
    pub aside: Duration,
    /// A guard returns to the steady watch by itself after this. "1h"
    #[serde(with = "duration")]
    pub guard: Duration,
    /// How long any other wait may take. "15m"
    #[serde(with = "duration")]
    pub wait: Duration,
    /// Time limit of a node's survey. "1m"
    #[serde(with = "duration")]
    pub survey: Duration,
    /// Gates that this site removes. ["MaxUnavailableStatefulSet"]
    pub site_gates: Vec<String>,
}

fn journal() -> PathBuf {
    "/var/lib/podlift/coordinator/journal.db".into()
}
fn policy() -> PathBuf {
    "/etc/podlift/policy.toml".into()
}
fn api_timeout() -> Duration {
    Duration::from_secs(10)
}
fn probe_timeout() -> Duration {
    Duration::from_secs(2)
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: Listen::loopback(7444) }
    }
}

impl Default for Tls {
    fn default() -> Self {
        let file = |name: &str| PathBuf::from("/etc/podlift/tls").join(name);
        Self { ca: file("ca.crt"), certificate: file("coordinator.crt"), key: file("coordinator.key") }
    }
}

impl Default for Run {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            poll: seconds(1),
            probe_interval: seconds(1),
            read_interval: Duration::from_millis(50),
            observe_timeout: seconds(120),
            reconnect: seconds(30),
            heartbeat: seconds(5),
        }
    }
}

impl Default for Plan {
    fn default() -> Self {
        let o = PlanOptions::default();
        let seconds = |n: u32| Duration::from_secs(n.into());
        Self {
            max_unavailable: NonZeroU32::new(o.max_unavailable).unwrap_or(NonZeroU32::MIN),
            canary: o.canary,
            canary_soak: seconds(o.canary_soak_seconds),
            drain: seconds(o.drain_seconds),
            soak: seconds(o.soak_seconds),
            aside: seconds(o.aside_seconds),
            guard: seconds(o.guard_seconds),
            wait: seconds(o.wait_seconds),
            survey: Duration::from_secs(60),
            site_gates: o.site_gates,
        }
    }
}

impl Config {
    pub fn hub(&self) -> HubSettings {
        let Run { observe_timeout, reconnect, heartbeat, .. } = self.run;
        HubSettings { observe_timeout, reconnect, heartbeat }
    }

    pub fn settings(&self, policy: Option<&SitePolicy>) -> Settings {
        let mut options = self.plan.options();
        options.images = self.bcm.as_ref().is_none_or(|bcm| bcm.images);
        match policy {
            Some(policy) => policy.put_into(&mut options),
            None => SitePolicy::default().roll_out(&mut options),
        }
        Settings {
            exec: ExecSettings {
                poll: self.run.poll,
                probe_interval: self.run.probe_interval,
                read_interval: self.run.read_interval,
            },
            options,
            stale_after: Some(self.run.heartbeat * 3),
            backup: self.backup.clone(),
            survey_timeout: Some(self.plan.survey),
            archives: Some(Archives::beside(&self.journal)),
            copies: Some(self.journal.with_file_name("copies")),
            sentinel: self.sentinel.clone(),
            validate: ValidateSettings {
                certificate: Some(self.tls.certificate.clone()),
                ..self.validate.clone()
            },
        }
    }
}

impl Plan {
    /// Converts to whole seconds, rounded up: a limit is never shorter than configured.
    fn options(&self) -> PlanOptions {
        let seconds = |d: Duration| u32::try_from(d.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        PlanOptions {
            max_unavailable: self.max_unavailable.get(),
            canary: self.canary,
            canary_soak_seconds: seconds(self.canary_soak),
            drain_seconds: seconds(self.drain),
            soak_seconds: seconds(self.soak),
            aside_seconds: seconds(self.aside),
            guard_seconds: seconds(self.guard),
            wait_seconds: seconds(self.wait),
            site_gates: self.site_gates.clone(),
            required_attestations: vec![],
            approve: Default::default(),
            ..PlanOptions::default()
        }
    }
}

#[cfg(test)]
mod tests;
