//! `etcdctl` against the cluster's external etcd, with the endpoints and certificates of the live API server's own flags. It never
//! restores, and never removes a member.

mod access;
mod answer;
#[cfg(test)]
mod tests;

pub use access::Access;
pub use answer::{EndpointHealth, EndpointStatus, Header, Member, Members, Status};

use super::{must, run};
use crate::spec::UnitSpec;
use answer::{Alarms, alarm_name, parse, partial};
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use std::path::Path;
use std::time::Duration;

impl Access {
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

    /// For each of the node's endpoints that answers, its cluster id, in hexadecimal as in etcd's own logs.
    pub async fn clusters(&self, host: &Host) -> Result<Vec<(String, String)>, Failure> {
        let call = self.call(&["endpoint", "status", "-w", "json"]);
        let status: Vec<EndpointStatus> = partial(&call, &run(host, &call).await?, "endpoint status")?;
        Ok(status.into_iter().map(|s| (s.endpoint, format!("{:x}", s.status.header.cluster_id))).collect())
    }

    /// The one cluster of all endpoints that answer. Each is asked separately: a list that names members of two clusters has no id.
    pub async fn cluster_id(&self, host: &Host) -> Result<String, Failure> {
        one_cluster(&self.clusters(host).await?)
    }

    /// Status of the endpoints that answered.
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

    /// Moves the leadership. `leader` is the leader's own endpoint, because only the leader accepts the request.
    pub async fn move_leader(&self, host: &Host, leader: &str, to: u64) -> Result<(), Failure> {
        let args = self.args(leader, &["move-leader", &format!("{to:x}")]);
        must(host, &Invocation::new("etcdctl", args).env("ETCDCTL_API", "3")).await.map(drop)
    }

    /// A unit for one member's snapshot: etcdctl writes `FILE.part` and renames it when it is complete.
    pub fn snapshot(&self, endpoint: &str, to: &Path, limit: Duration) -> UnitSpec {
        let args = self.args(endpoint, &["snapshot", "save", &to.display().to_string()]);
        UnitSpec::new("etcdctl", args).env("ETCDCTL_API", "3").limit(limit)
    }
}

fn one_cluster(answers: &[(String, String)]) -> Result<String, Failure> {
    let Some((first, cluster)) = answers.first() else {
        let message = "no endpoint of etcd answered; check etcd and the certificates that the API server's manifest names for it";
        return Err(Failure::transient("etcd-silent", message));
    };
    match answers.iter().find(|(_, other)| other != cluster) {
        None => Ok(cluster.clone()),
        Some((endpoint, other)) => {
            let message = format!(
                "etcd at {first} belongs to cluster {cluster} and etcd at {endpoint} to cluster {other}: the list of endpoints mixes two clusters; take those of the wrong one out of it"
            );
            Err(Failure::operator("etcd-mixed-clusters", message))
        }
    }
}
