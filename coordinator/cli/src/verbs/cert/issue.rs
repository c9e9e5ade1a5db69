//! `podlift cert issue`.

use crate::error::{CliError, Exit};
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::durable;
use podlift_common::tls::ca::{self, Pair};
use podlift_common::tls::{Identity, Role, Subject};
use podlift_model::{ClusterName, NodeName};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Issue a certificate for one node, head node, coordinator or person: KIND-NAME.crt and KIND-NAME.key.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift cert issue node runai-01                                 # of the CA's cluster
  podlift cert issue head head-01 --cluster runaicluster
  podlift cert issue coordinator head-01 --cluster runaicluster --address 10.141.255.254
  podlift cert issue operator ann --cluster runaicluster --role admin --days 30")]
pub(crate) struct Issue {
    /// What the certificate is for.
    kind: Kind,
    /// Name of the node in Kubernetes, or name of the head node, coordinator or person.
    name: NodeName,
    /// BCM's name of the Kubernetes cluster; that of the CA by default.
    #[arg(long)]
    cluster: Option<ClusterName>,
    /// Role of a person.
    #[arg(long, value_enum, default_value_t = PersonRole::Viewer)]
    role: PersonRole,
    /// Additional IP address of a coordinator; may be repeated.
    #[arg(long = "address", value_name = "IP")]
    addresses: Vec<IpAddr>,
    /// Validity in days.
    #[arg(long, default_value_t = 365)]
    days: u16,
    /// Directory of the CA.
    #[arg(long, default_value = "/etc/podlift/ca")]
    ca: PathBuf,
    /// Directory of the new files.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Node,
    /// The agent of a BCM head node, which runs BCM's tools; no Kubernetes node has its name.
    Head,
    Coordinator,
    Operator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PersonRole {
    Viewer,
    Operator,
    Admin,
}

impl Issue {
    pub fn run(self) -> Result<Exit, CliError> {
        let (subject, kind) = match self.kind {
            Kind::Node => (Subject::Node(self.name.clone()), "node"),
            Kind::Head => (Subject::Head(self.name.clone()), "head"),
            Kind::Coordinator => (Subject::Coordinator(self.name.clone()), "coordinator"),
            Kind::Operator => (Subject::Operator(self.name.clone()), "operator"),
        };
        let role = match (self.kind, self.role) {
            (Kind::Operator, PersonRole::Operator) => Role::Operator,
            (Kind::Operator, PersonRole::Admin) => Role::Admin,
            (Kind::Operator, PersonRole::Viewer) | (_, PersonRole::Viewer) => Role::Viewer,
            _ => {
                return Err(CliError::usage(
                    "--role does not fit",
                    "only people have a role; nodes, head nodes and coordinators have none",
                    "podlift help cert issue",
                ));
            }
        };
        let authority = authority(&self.ca)?;
        let cluster = self.cluster(&authority)?;
        let identity = Identity { cluster, subject, role };
        let pair = ca::issue(&authority, &identity, &self.addresses, self.days, SystemClock.now())
            .map_err(|e| CliError::failed("the certificate can't be made", e))?;
        super::show(&super::write(&self.out, &format!("{kind}-{}", self.name), &pair)?)?;
        Ok(Exit::Done)
    }
}

impl Issue {
    /// The cluster of the certificate. A certificate of another cluster's CA would be refused at every connection.
    fn cluster(&self, authority: &Pair) -> Result<ClusterName, CliError> {
        let of = ca::cluster_of(&authority.certificate)
            .map_err(|e| CliError::failed("the certificate can't be made", e))?;
        let ca = self.ca.display();
        match (self.cluster.clone(), of) {
            (Some(cluster), None) => Ok(cluster),
            (Some(cluster), Some(of)) if cluster == of => Ok(cluster),
            (None, Some(of)) => Ok(of),
            (Some(cluster), Some(other)) => Err(CliError::usage(
                format!("the CA in {ca} is of cluster {other}, expected {cluster}"),
                "no podlift of this cluster would accept its certificates; nothing was written",
                "podlift help cert init",
            )),
            (None, None) => Err(CliError::usage(
                format!("the CA in {ca} names no cluster"),
                "the certificate must be of a cluster, and --cluster was not given; nothing was written",
                "podlift help cert issue",
            )),
        }
    }
}

fn authority(dir: &Path) -> Result<Pair, CliError> {
    let read = |name: &str| {
        let path = dir.join(name);
        let what = format!("the CA's {} can't be read", path.display());
        durable::read_to_string(&path)
            .map_err(|e| CliError::new(Exit::Failed, what, e.to_string(), "podlift help cert init"))
    };
    Ok(Pair { certificate: read("ca.crt")?, key: read("ca.key")?.into() })
}
