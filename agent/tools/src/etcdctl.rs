//! `etcdctl` against the cluster's external etcd, with the endpoints and certificates of the live API server's own flags. Never restores,
//! never removes a member.

use super::etcd_pair::Pair;
use super::{exited, must, run};
use crate::spec::UnitSpec;
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_host::{Host, Invocation, Output};
use podlift_model::op::Component;
use podlift_model::{ClusterName, Failure};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// How to reach etcd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub endpoints: Vec<String>,
    /// `--cacert`, `--cert`, `--key`, those that are set.
    tls: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    #[serde(rename = "ID")]
    pub id: u64,
    #[serde(default)]
    pub name: String,
    #[serde(default, rename = "clientURLs")]
    pub client_urls: Vec<String>,
    #[serde(default, rename = "isLearner")]
    pub is_learner: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    pub cluster_id: u64,
    #[serde(default)]
    pub revision: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Members {
    pub header: Header,
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EndpointStatus {
    #[serde(rename = "Endpoint")]
    pub endpoint: String,
    #[serde(rename = "Status")]
    pub status: Status,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    pub header: Header,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub leader: u64,
    #[serde(default, rename = "dbSize")]
    pub db_size: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EndpointHealth {
    pub endpoint: String,
    pub health: bool,
    #[serde(default)]
    pub error: Option<String>,
    /// A duration as Go writes it: `2.345678ms`.
    #[serde(default)]
    pub took: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Alarms {
    #[serde(default)]
    alarms: Vec<Alarm>,
}

#[derive(Debug, Clone, Deserialize)]
struct Alarm {
    #[serde(rename = "memberID")]
    member: u64,
    #[serde(default)]
    alarm: u32,
}

impl Access {
    /// From a manifest's flags; `servers` takes the place of an empty `--etcd-servers`.
    pub fn of_manifest(
        host: &Host,
        cluster: &ClusterName,
        manifest: &Manifest,
        servers: Option<&str>,
    ) -> Option<Self> {
        let flags = manifest.flags();
        let mut endpoints = flags.items("etcd-servers");
        if let Some(servers) = servers.filter(|_| endpoints.is_empty()) {
            endpoints = servers.split(',').map(String::from).collect();
        }
        let secured = endpoints.iter().any(|e| e.starts_with("https://"));
        let pair = Pair::choose(host.files.as_ref(), cluster, &flags).filter(|_| secured);
        let tls = pair.map(Pair::options).unwrap_or_default();
        (!endpoints.is_empty()).then_some(Self { endpoints, tls })
    }

    /// The stores of single resources that a manifest names in `--etcd-servers-overrides`, each by its own words (`/events`).
    pub fn overrides(_host: &Host, _cluster: &ClusterName, _manifest: &Manifest) -> Vec<(String, Self)> {
        Vec::new()
    }

    /// From this node's live manifest. None on a worker.
    pub fn of_node(host: &Host, cluster: &ClusterName, servers: Option<&str>) -> Option<Self> {
        let bytes = host.files.read(&paths::manifest(Component::KubeApiserver)).ok()?;
        let manifest = Manifest::parse(Component::KubeApiserver, &bytes).ok()?;
        Self::of_manifest(host, cluster, &manifest, servers)
    }

    /// The same certificates, other endpoints.
    pub fn at(self, servers: &str) -> Self {
        Self { endpoints: servers.split(',').map(String::from).collect(), ..self }
    }

    fn args(&self, endpoints: &str, command: &[&str]) -> Vec<String> {
        let first = [format!("--endpoints={endpoints}")].into_iter().chain(self.tls.iter().cloned());
        first.chain(command.iter().map(ToString::to_string)).collect()
    }

    fn call(&self, command: &[&str]) -> Invocation {
        let args = self.args(&self.endpoints.join(","), command);
        Invocation::new("etcdctl", args).env("ETCDCTL_API", "3").timeout(Duration::from_secs(20))
    }

    pub async fn members(&self, host: &Host) -> Result<Members, Failure> {
        let text = must(host, &self.call(&["member", "list", "-w", "json"])).await?;
        parse(&text, "member list")
    }

    /// Of each of our own endpoints that answers, the cluster that it belongs to.
    pub async fn clusters(&self, host: &Host) -> Result<Vec<(String, String)>, Failure> {
        let call = self.call(&["endpoint", "status", "-w", "json"]);
        let status: Vec<EndpointStatus> = partial(&call, &run(host, &call).await?, "endpoint status")?;
        Ok(status.into_iter().map(|s| (s.endpoint, format!("{:x}", s.status.header.cluster_id))).collect())
    }

    /// In hexadecimal, as etcd's own logs have it.
    pub async fn cluster_id(&self, host: &Host) -> Result<String, Failure> {
        Ok(format!("{:x}", self.members(host).await?.header.cluster_id))
    }

    /// Of the endpoints that answered.
    pub async fn status(&self, host: &Host) -> Result<Vec<EndpointStatus>, Failure> {
        let call = self.call(&["endpoint", "status", "--cluster", "-w", "json"]);
        partial(&call, &run(host, &call).await?, "endpoint status")
    }

    pub async fn health(&self, host: &Host) -> Result<Vec<EndpointHealth>, Failure> {
        let call = self.call(&["endpoint", "health", "--cluster", "-w", "json"]);
        partial(&call, &run(host, &call).await?, "endpoint health")
    }

    /// (member id, alarm).
    pub async fn alarms(&self, host: &Host) -> Result<Vec<(u64, String)>, Failure> {
        let text = must(host, &self.call(&["alarm", "list", "-w", "json"])).await?;
        let alarms: Alarms = parse(&text, "alarm list")?;
        Ok(alarms.alarms.into_iter().map(|a| (a.member, alarm_name(a.alarm))).collect())
    }

    /// `leader` is the leader's own endpoint: only it may be asked.
    pub async fn move_leader(&self, host: &Host, leader: &str, to: u64) -> Result<(), Failure> {
        let args = self.args(leader, &["move-leader", &format!("{to:x}")]);
        must(host, &Invocation::new("etcdctl", args).env("ETCDCTL_API", "3")).await.map(drop)
    }

    /// One member's snapshot: etcdctl writes `FILE.part` and renames it when it is whole.
    pub fn snapshot(&self, endpoint: &str, to: &Path, limit: Duration) -> UnitSpec {
        let args = self.args(endpoint, &["snapshot", "save", &to.display().to_string()]);
        UnitSpec::new("etcdctl", args).env("ETCDCTL_API", "3").limit(limit)
    }
}

impl EndpointHealth {
    /// What the check took; None: it does not say.
    pub fn millis(&self) -> Option<u32> {
        go_millis(&self.took)
    }
}

/// `1m2.5s`, `2.345678ms`, `850.1µs`; rounded up, because 0 would be no time.
fn go_millis(text: &str) -> Option<u32> {
    let (mut rest, mut millis) = (text, 0.0_f64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        millis += number
            * match &unit[..end] {
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1_000.0,
                "ms" => 1.0,
                "µs" | "us" => 1e-3,
                "ns" => 1e-6,
                _ => return None,
            };
        rest = &unit[end..];
    }
    (!text.is_empty()).then_some(millis.ceil() as u32)
}

fn alarm_name(number: u32) -> String {
    match number {
        1 => "NOSPACE".into(),
        2 => "CORRUPT".into(),
        other => format!("alarm {other}"),
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T, Failure> {
    let bad = |e| {
        Failure::operator("etcd-answer", format!("`etcdctl {what}` printed no JSON that podlift knows: {e}"))
            .with_detail(text)
    };
    serde_json::from_str(text.trim()).map_err(bad)
}

/// etcdctl exits 1 as soon as one endpoint does not answer, and prints what the others said.
fn partial<'a, T: Deserialize<'a>>(call: &Invocation, output: &'a Output, what: &str) -> Result<T, Failure> {
    match parse(&output.stdout, what) {
        Err(_) if !output.success() => Err(exited(call, output)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    const TRANSCRIPT: &str = include_str!("../../../tests/fixtures/transcripts/etcd-transcript.txt");

    fn answer(command: &str) -> &'static str {
        let (_, rest) = TRANSCRIPT.split_once(&format!("$ etcdctl {command} -w json\n")).unwrap();
        rest.lines().next().unwrap()
    }

    #[test]
    fn durations_of_go() {
        let cases = [
            ("2.345678ms", Some(3)),
            ("850.1µs", Some(1)),
            ("1.5s", Some(1500)),
            ("1m2.5s", Some(62_500)),
            ("", None),
            ("fast", None),
            ("3", None),
        ];
        for (text, want) in cases {
            assert_eq!(go_millis(text), want, "{text}");
        }
    }

    #[test]
    fn reads_what_etcdctl_printed() {
        let members: Members = parse(answer("member list"), "x").unwrap();
        assert_eq!(format!("{:x}", members.header.cluster_id), "eed650fd254a89ea");
        assert_eq!(members.members[2].client_urls, ["https://10.77.0.13:2379"]);
        let status: Vec<EndpointStatus> = parse(answer("endpoint status --cluster"), "x").unwrap();
        assert_eq!(
            (status.len(), status[1].status.header.revision, status[1].status.version.as_str()),
            (3, 4107, "3.5.26")
        );
    }

    #[test]
    fn flags_of_the_manifest_are_used_and_an_empty_list_is_filled() {
        let text =
            include_str!("../../../tests/fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml");
        let manifest = Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap();
        let fakes = Fakes::new(|_| said(""));
        let cluster: ClusterName = "runaicluster".parse().unwrap();
        assert_eq!(Access::of_manifest(&fakes.host, &cluster, &manifest, None), None);
        let access =
            Access::of_manifest(&fakes.host, &cluster, &manifest, Some("https://a:2379,https://b:2379"))
                .unwrap();
        let call = access.call(&["member", "list"]);
        assert_eq!(call.args[0], "--endpoints=https://a:2379,https://b:2379");
        assert_eq!(call.args[1], "--cacert=/etc/kubernetes/pki/runaicluster/etcd/ca.crt");
        assert_eq!(call.env[1], ("ETCDCTL_API", "3".to_string()));
    }
}
