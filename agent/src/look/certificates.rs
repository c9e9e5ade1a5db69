//! The certificates of this node with their ends: those that Kubernetes and etcd use, and the agent's own. Never a key.

use crate::node::Node;
use podlift_model::survey::CertificatesState;
use podlift_tools::survey;

/// A head node has only the agent's own.
pub fn state(node: &Node) -> CertificatesState {
    let tls = &node.config.tls;
    survey::certificates(node.surveyed(), &[tls.certificate.clone(), tls.ca.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;
    use crate::testing::{Bench, exited};
    use podlift_model::Look;
    use podlift_model::OpOutput;

    fn certificate(name: &str, year: i32) -> String {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_tells_of_its_own_and_of_its_agents_certificates() {
        for (role, want) in [
            (
                None,
                vec!["/etc/kubernetes/pki/ca.crt", "/etc/podlift/tls/agent.crt", "/etc/podlift/tls/ca.crt"],
            ),
            (Some(Role::Head), vec!["/etc/podlift/tls/agent.crt", "/etc/podlift/tls/ca.crt"]),
        ] {
            let mut bench = Bench::new(|_| exited(1, "not asked here"));
            bench.config.role = role;
            if role.is_none() {
                bench.files.put("/etc/kubernetes/pki/ca.crt", certificate("kubernetes", 2036).as_bytes());
            }
            bench.files.put("/etc/podlift/tls/agent.crt", certificate("agent", 2027).as_bytes());
            bench.files.put("/etc/podlift/tls/ca.crt", certificate("podlift", 2036).as_bytes());
            let seen = crate::look::look(&bench.node(), &Look::Certificates).await;
            let Ok(OpOutput::Certificates(state)) = seen else { panic!("{seen:?}") };
            let paths: Vec<&str> = state.certificates.iter().map(|c| c.path.as_str()).collect();
            assert_eq!(paths, want);
            let own = state.certificates.iter().find(|c| c.path.ends_with("agent.crt")).unwrap();
            assert_eq!(own.not_after.to_string(), "2027-01-01T00:00:00Z");
            assert!(own.subject.contains("agent") && state.unreadable.is_empty(), "{state:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_without_a_certificate_is_named_with_the_reason() {
        let bench = Bench::new(|_| exited(1, "not asked here"));
        bench.files.put("/etc/podlift/tls/agent.crt", b"empty\n");
        let state = state(&bench.node());
        assert_eq!(state.unreadable["/etc/podlift/tls/agent.crt"], "it holds no certificate");
        assert_eq!(state.certificates, vec![]);
    }
}
