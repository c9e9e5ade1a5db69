//! The identity in a certificate: exactly one `spiffe://podlift/<cluster>/…` URI SAN, and for people a role in the subject's organization.
//!
//! The role of a person is in the organization (`podlift:admin`), as in Kubernetes' own certificates, so that a certificate has exactly one
//! URI name.

use podlift_model::{ClusterName, NodeName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The role of a person. Each role includes the previous ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Viewer,
    Operator,
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Node(NodeName),
    /// The agent of a BCM head node, which is not a node of the cluster.
    Head(NodeName),
    Coordinator(NodeName),
    Operator(NodeName),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub cluster: ClusterName,
    pub subject: Subject,
    /// Viewer unless the certificate names a higher role; meaningless for nodes and coordinators.
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("the certificate can't be read: {0}")]
    Unreadable(String),
    #[error(
        "the certificate has {0} URI names, expected exactly one spiffe://podlift/<cluster>/<node|head|coordinator|operator>/<name>"
    )]
    NotOne(usize),
    #[error(
        "{0:?} is not a podlift identity, expected spiffe://podlift/<cluster>/<node|head|coordinator|operator>/<name>"
    )]
    Malformed(String),
}

impl Identity {
    pub fn uri(&self) -> String {
        format!("spiffe://podlift/{}/{}", self.cluster, self.subject)
    }

    /// Reads the one identity of a DER certificate.
    pub fn of_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let (_, cert) =
            x509_parser::parse_x509_certificate(der).map_err(|e| IdentityError::Unreadable(e.to_string()))?;
        let san = cert.subject_alternative_name().map_err(|e| IdentityError::Unreadable(e.to_string()))?;
        let names = san.map(|s| s.value.general_names.as_slice()).unwrap_or_default();
        let uris: Vec<&str> = names
            .iter()
            .filter_map(|n| match n {
                x509_parser::extensions::GeneralName::URI(uri) => Some(*uri),
                _ => None,
            })
            .collect();
        let [uri] = uris.as_slice() else { return Err(IdentityError::NotOne(uris.len())) };
        let mut identity: Identity = uri.parse()?;
        let role = cert
            .subject()
            .iter_organization()
            .filter_map(|o| o.as_str().ok())
            .find_map(Role::from_organization);
        identity.role = role.unwrap_or(Role::Viewer);
        Ok(identity)
    }
}

impl Role {
    pub fn organization(&self) -> String {
        format!("podlift:{self}")
    }
    fn from_organization(text: &str) -> Option<Self> {
        [Role::Viewer, Role::Operator, Role::Admin].into_iter().find(|r| r.organization() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Node(n) => write!(f, "node/{n}"),
            Subject::Head(n) => write!(f, "head/{n}"),
            Subject::Coordinator(n) => write!(f, "coordinator/{n}"),
            Subject::Operator(n) => write!(f, "operator/{n}"),
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;
    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        let bad = || IdentityError::Malformed(uri.into());
        let path = uri.strip_prefix("spiffe://podlift/").ok_or_else(bad)?;
        let parts: Vec<&str> = path.split('/').collect();
        let [cluster, kind, name] = parts.as_slice() else { return Err(bad()) };
        let name: NodeName = name.parse().map_err(|_| bad())?;
        let subject = match *kind {
            "node" => Subject::Node(name),
            "head" => Subject::Head(name),
            "coordinator" => Subject::Coordinator(name),
            "operator" => Subject::Operator(name),
            _ => return Err(bad()),
        };
        Ok(Self { cluster: cluster.parse().map_err(|_| bad())?, subject, role: Role::Viewer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        let id: Identity = "spiffe://podlift/runaicluster/node/dgx030".parse().unwrap();
        assert_eq!(id.uri(), "spiffe://podlift/runaicluster/node/dgx030");
        let head: Identity = "spiffe://podlift/runaicluster/head/head-01".parse().unwrap();
        assert_eq!(head.subject, Subject::Head("head-01".parse().unwrap()));
        assert_eq!(head.uri(), "spiffe://podlift/runaicluster/head/head-01");
        for bad in [
            "spiffe://other/c/node/n",
            "spiffe://podlift/c/node",
            "spiffe://podlift/c/node/n/x",
            "spiffe://podlift/c/root/n",
            "spiffe://podlift/c/node/../x",
            "https://podlift/c/node/n",
        ] {
            assert!(bad.parse::<Identity>().is_err(), "{bad}");
        }
    }
}
