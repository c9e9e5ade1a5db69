//! Certificates that end: of ingresses, of the API servers as they serve them, of each control-plane node as its agent reports them, with
//! those of the agent, and podlift's own.

use super::Validator;
use futures_util::future::join_all;
use jiff::Timestamp;
use podlift_engine::survey::ServedCertificate;
use podlift_engine::validate::Ends;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::survey::{CertificatesState, Seen};
use podlift_model::{Look, NodeName, OpOutput};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use x509_parser::prelude::{FromDer as _, X509Certificate};

impl Validator {
    /// What each API server serves.
    pub(super) async fn of_servers(&self, endpoints: &[String]) -> Vec<(String, Seen<Timestamp>)> {
        let looks = endpoints.iter().map(|endpoint| async move {
            let look = ClusterLook::Served { address: endpoint.clone(), name: String::new() };
            let seen = match self.cluster.look(&look).await {
                Ok(ClusterReply::Served(all)) => first(&all),
                Ok(_) => Err("an unexpected answer".into()),
                Err(failure) => Err(failure.message),
            };
            (endpoint.clone(), seen)
        });
        join_all(looks).await
    }

    /// Those of the control-plane nodes and of the head node, by node. An agent of an older version does not know the question.
    pub(super) async fn of_nodes(&self, planes: &[NodeName]) -> Vec<(NodeName, Seen<CertificatesState>)> {
        let looks = planes.iter().chain(&self.head).map(|node| async move {
            let seen = self.ask(node, &Look::Certificates, |output| match output {
                OpOutput::Certificates(state) => Some(state),
                _ => None,
            });
            (node.clone(), seen.await)
        });
        join_all(looks).await
    }

    /// Those of the API servers, of the nodes and of podlift, and the parts that could not be seen.
    pub async fn certificates(&self, planes: &[NodeName]) -> (Vec<Ends>, Vec<String>) {
        let endpoints = self.endpoints(planes);
        let (servers, nodes) = tokio::join!(self.of_servers(&endpoints), self.of_nodes(planes));
        self.all(&Ok(vec![]), servers, nodes)
    }

    /// One part that could not be seen leaves the whole open.
    pub(super) fn ends(
        &self,
        served: &Seen<Vec<ServedCertificate>>,
        servers: Vec<(String, Seen<Timestamp>)>,
        nodes: Vec<(NodeName, Seen<CertificatesState>)>,
    ) -> Seen<Vec<Ends>> {
        let (all, unseen) = self.all(served, servers, nodes);
        if unseen.is_empty() { Ok(all) } else { Err(unseen.join("; ")) }
    }

    fn all(
        &self,
        served: &Seen<Vec<ServedCertificate>>,
        servers: Vec<(String, Seen<Timestamp>)>,
        nodes: Vec<(NodeName, Seen<CertificatesState>)>,
    ) -> (Vec<Ends>, Vec<String>) {
        let (mut all, mut unseen) = of(served, servers, nodes);
        if let Some(path) = &self.settings.certificate {
            match own(path) {
                Ok(not_after) => all.push(Ends {
                    what: format!("coordinator {}", path.display()),
                    not_after,
                    renew: "podlift help cert issue".into(),
                }),
                Err(why) => unseen.push(why),
            }
        }
        (all, unseen)
    }
}

/// What ends, and the parts that could not be seen.
fn of(
    served: &Seen<Vec<ServedCertificate>>,
    servers: Vec<(String, Seen<Timestamp>)>,
    nodes: Vec<(NodeName, Seen<CertificatesState>)>,
) -> (Vec<Ends>, Vec<String>) {
    let mut all = vec![];
    let mut unseen: Vec<String> = served.as_ref().err().cloned().into_iter().collect();
    for s in served.iter().flatten() {
        // A certificate that could not be read is a failure of another check.
        let Ok(certificate) = &s.certificate else { continue };
        all.push(Ends {
            what: format!("{} at {}", s.server_name, s.address),
            not_after: certificate.not_after,
            renew: "cm-kubernetes-setup".into(),
        });
    }
    for (endpoint, seen) in servers {
        let what = format!("API server {endpoint}");
        match seen {
            Ok(not_after) => {
                all.push(Ends { what, not_after, renew: "kubeadm certs check-expiration".into() });
            }
            Err(why) => unseen.push(format!("{what}: {why}")),
        }
    }
    for (node, seen) in nodes {
        match seen {
            Ok(state) => {
                all.extend(state.certificates.into_iter().map(|c| Ends {
                    renew: renewal(&node, &c.path),
                    what: format!("{node} {}", c.path),
                    not_after: c.not_after,
                }));
                let unreadable = state.unreadable.into_iter();
                unseen.extend(unreadable.map(|(path, why)| format!("{node}: {path} can't be read: {why}")));
            }
            Err(why) => unseen.push(format!("{node}: {why}")),
        }
    }
    (all, unseen)
}

/// The next command for a certificate of a node, by its file. Nothing of podlift or kubeadm renews a CA, and where BCM distributes the
/// certificates, kubeadm must not renew them on the node.
fn renewal(node: &NodeName, path: &str) -> String {
    match () {
        () if path.starts_with("/etc/podlift/") && path.ends_with("/ca.crt") => {
            format!("ssh {node} openssl x509 -in {path} -noout -dates")
        }
        () if path.starts_with("/etc/podlift/") || path.starts_with("/var/lib/podlift/") => {
            format!("podlift cert issue node {node}")
        }
        () if path.starts_with("/var/lib/kubelet/") => format!("ssh {node} systemctl restart kubelet"),
        () => format!("ssh {node} kubeadm certs check-expiration"),
    }
}

fn first(served: &[ServedCertificate]) -> Seen<Timestamp> {
    let first = served.first().ok_or("no certificate")?;
    first.certificate.as_ref().map(|c| c.not_after).map_err(Clone::clone)
}

fn own(path: &Path) -> Seen<Timestamp> {
    let bad = |why: String| format!("{} can't be read: {why}", path.display());
    let pem = podlift_common::durable::read(path).map_err(|e| bad(e.to_string()))?;
    let first =
        CertificateDer::pem_slice_iter(&pem).next().ok_or_else(|| bad("it holds no certificate".into()))?;
    let der = first.map_err(|e| bad(e.to_string()))?;
    let (_, x509) = X509Certificate::from_der(&der).map_err(|e| bad(e.to_string()))?;
    Timestamp::from_second(x509.validity().not_after.timestamp()).map_err(|e| bad(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_model::survey::CertificateFacts;

    #[test]
    fn what_cannot_be_read_is_unseen_and_each_file_has_a_command_that_fits() {
        let name = |n: &str| NodeName::new(n).unwrap();
        let state = CertificatesState {
            certificates: vec![CertificateFacts {
                path: "/etc/podlift/tls/ca.crt".into(),
                subject: "CN=podlift".into(),
                not_after: Timestamp::UNIX_EPOCH,
                ca: true,
                index: 0,
            }],
            unreadable: [("/etc/kubernetes/pki/ca.crt".to_string(), "permission denied".to_string())].into(),
        };
        let nodes = vec![(name("runai-01"), Ok(state)), (name("runai-02"), Err("it is away".into()))];
        let servers = vec![("10.77.0.11:6443".to_string(), Ok(Timestamp::UNIX_EPOCH))];
        let (all, unseen) = of(&Ok(vec![]), servers, nodes);
        let next: Vec<&str> = all.iter().map(|end| end.renew.as_str()).collect();
        let dates = "ssh runai-01 openssl x509 -in /etc/podlift/tls/ca.crt -noout -dates";
        assert_eq!(next, ["kubeadm certs check-expiration", dates]);
        let read = "runai-01: /etc/kubernetes/pki/ca.crt can't be read: permission denied";
        assert_eq!(unseen, [read, "runai-02: it is away"]);
        assert!(
            renewal(&name("runai-01"), "/etc/podlift/tls/agent.crt").starts_with("podlift cert issue node")
        );
        assert!(renewal(&name("runai-01"), "/etc/kubernetes/pki/x.crt").ends_with("check-expiration"));
    }
}
