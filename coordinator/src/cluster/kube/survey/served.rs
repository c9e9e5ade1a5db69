//! The certificates that each ingress address presents for each name that an ingress promises TLS for. Browsers see the same certificates.

use super::ingresses::Ingress;
use crate::cluster::Certificates;
use futures_util::StreamExt as _;
use podlift_engine::survey::{
    Certificate, IngressController, IngressFamily, LoadBalancerView, ServedCertificate,
};
use podlift_model::survey::Seen;
use std::collections::BTreeSet;

const HTTPS: u16 = 443;
const HTTP: u16 = 80;
/// Pairs of address and name that are asked at the same time.
const AT_ONCE: usize = 32;
/// Handshakes at one address for one name. With three replicas behind it, one of them is missed by one survey of 130.
const HANDSHAKES: u32 = 12;
/// Failures in a row after which an address counts as silent.
const FAILURES: usize = 2;

pub(super) async fn read(
    certificates: &dyn Certificates,
    balancers: &Seen<Vec<LoadBalancerView>>,
    ingresses: &Seen<Vec<Ingress>>,
) -> Vec<ServedCertificate> {
    let asked = questions(balancers.as_deref().unwrap_or_default(), ingresses.as_deref().unwrap_or_default());
    let looks =
        asked.into_iter().map(|(address, name)| async move { of(certificates, &address, &name).await });
    let mut served: Vec<Vec<ServedCertificate>> =
        futures_util::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    let place =
        |all: &Vec<ServedCertificate>| all.first().map(|s| (s.address.clone(), s.server_name.clone()));
    served.sort_by_key(place);
    served.into_iter().flatten().collect()
}

/// The different certificates of one address for one name, and its page. An empty name asks without one.
pub(in super::super) async fn of(
    certificates: &dyn Certificates,
    address: &str,
    name: &str,
) -> Vec<ServedCertificate> {
    let seen = certificates_of(certificates, address, name).await;
    let page = match seen.first() {
        Some(Ok(_)) if !name.is_empty() => certificates.page(address, name).await,
        _ => None,
    };
    let entry = |certificate: Seen<Certificate>| ServedCertificate {
        address: address.into(),
        server_name: name.into(),
        page: certificate.is_ok().then(|| page.clone()).flatten(),
        certificate,
    };
    seen.into_iter().map(entry).collect()
}

/// What several handshakes in a row get: each different certificate once, the most frequent one first, and the last failure if there was
/// one. An address may lead to several replicas, and one of them may serve another certificate than the rest.
async fn certificates_of(
    certificates: &dyn Certificates,
    address: &str,
    name: &str,
) -> Vec<Seen<Certificate>> {
    let (mut found, mut failed): (Vec<(Certificate, u32)>, Vec<String>) = (Vec::new(), Vec::new());
    for _ in 0..HANDSHAKES {
        match certificates.served(address, name).await {
            Ok(certificate) => {
                match found.iter_mut().find(|(c, _)| c.fingerprint == certificate.fingerprint) {
                    Some((_, times)) => *times += 1,
                    None => found.push((certificate, 1)),
                }
            }
            Err(why) => failed.push(why),
        }
        // An address that refuses or hangs every time costs no more than this.
        if found.is_empty() && failed.len() >= FAILURES {
            break;
        }
    }
    found.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let asked = failed.len() + found.iter().map(|(_, times)| *times as usize).sum::<usize>();
    let failure = failed.last().map(|why| match found.is_empty() {
        true => Err(why.clone()),
        false => Err(format!("{} of {}: {why}", failed.len(), podlift_model::count(asked, "handshake"))),
    });
    found.into_iter().map(|(certificate, _)| Ok(certificate)).chain(failure).collect()
}

/// Each pair (host:port, name), once.
fn questions(balancers: &[LoadBalancerView], ingresses: &[Ingress]) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    for ingress in ingresses {
        for address in &ingress.view.addresses {
            for port in ports(balancers, address) {
                let names = ingress.tls_hosts.iter().map(|host| (joined(address, port), asked_for(host)));
                out.extend(names);
            }
        }
    }
    out
}

/// What promises TLS and has no address to ask, or is of a kind that is not asked.
pub(super) fn unasked(ingresses: &[Ingress], controllers: &Seen<Vec<IngressController>>) -> Vec<String> {
    let without = ingresses.iter().filter(|i| !i.tls_hosts.is_empty() && i.view.addresses.is_empty());
    let without = without
        .map(|i| format!("ingress {}/{} has TLS and no address to ask", i.view.namespace, i.view.name));
    let tls =
        |c: &&IngressController| c.family == IngressFamily::GatewayApi && c.default_certificate.is_some();
    let gateways = controllers.iter().flatten().filter(tls);
    let gateways =
        gateways.map(|c| format!("gateway {}/{} has TLS, and no gateway is asked", c.namespace, c.name));
    let unseen = controllers.as_ref().err();
    let unseen = unseen.map(|why| format!("gateways can't be seen: {why}"));
    without.chain(gateways).chain(unseen).collect()
}

/// Port 443. If the service with the address does not offer 443, all its ports except plain HTTP.
fn ports(balancers: &[LoadBalancerView], address: &str) -> Vec<u16> {
    let offered: Vec<u16> = balancers
        .iter()
        .filter(|b| b.addresses.iter().any(|a| a == address))
        .flat_map(|b| b.ports.iter().copied())
        .filter(|p| *p != HTTP)
        .collect();
    if offered.is_empty() || offered.contains(&HTTPS) { vec![HTTPS] } else { offered }
}

fn joined(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// A name to ask for: a wildcard is not one, but any name below it is.
fn asked_for(host: &str) -> String {
    host.strip_prefix("*.").map_or_else(|| host.to_string(), |rest| format!("podlift.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn an_ingress_without_an_address_and_a_gateway_with_tls_are_not_asked() {
        let ingress = |name: &str, addresses: &[&str]| Ingress {
            view: podlift_engine::survey::IngressView {
                namespace: "runai".into(),
                name: name.into(),
                hosts: vec![],
                tls_secrets: vec![],
                addresses: addresses.iter().map(ToString::to_string).collect(),
            },
            tls_hosts: ["runai.example".to_string()].into(),
        };
        let plain = Ingress { tls_hosts: BTreeSet::new(), ..ingress("plain", &[]) };
        let gateway = |name: &str, secret: Option<&str>| IngressController {
            family: IngressFamily::GatewayApi,
            namespace: "g".into(),
            name: name.into(),
            default_certificate: secret.map(String::from),
        };
        let ingresses = [ingress("ui", &["10.77.0.90"]), ingress("new", &[]), plain];
        let controllers = Ok(vec![gateway("edge", Some("g/edge-tls")), gateway("http", None)]);
        let seen = unasked(&ingresses, &controllers);
        let [new, edge] = &seen[..] else { panic!("{seen:?}") };
        assert!(new.starts_with("ingress runai/new ") && edge.starts_with("gateway g/edge "), "{seen:?}");
        assert_eq!(unasked(&[], &Err("403".into())), ["gateways can't be seen: 403"]);
    }

    /// Replicas that take turns; an empty one refuses.
    struct Replicas(Vec<&'static str>, AtomicU32);

    #[async_trait]
    impl Certificates for Replicas {
        async fn served(&self, _address: &str, _name: &str) -> Seen<Certificate> {
            let turn = self.1.fetch_add(1, Ordering::Relaxed) as usize % self.0.len();
            match self.0[turn] {
                "" => Err("connection refused".into()),
                fingerprint => Ok(podlift_engine::testing::survey::certificate(fingerprint)),
            }
        }
    }

    async fn seen(replicas: &[&'static str]) -> Vec<Result<String, String>> {
        let all = certificates_of(&Replicas(replicas.to_vec(), AtomicU32::new(0)), "x:443", "x").await;
        all.into_iter().map(|one| one.map(|c| c.fingerprint)).collect()
    }

    #[tokio::test]
    async fn one_replica_of_three_that_differs_is_seen() {
        let of = |text: &str| podlift_engine::testing::survey::certificate(text).fingerprint;
        assert_eq!(seen(&["aa", "aa", "bb"]).await, [Ok(of("aa")), Ok(of("bb"))]);
        assert_eq!(seen(&["aa"]).await, [Ok(of("aa"))]);
        assert_eq!(
            seen(&["aa", "aa", ""]).await,
            [Ok(of("aa")), Err("4 of 12 handshakes: connection refused".into())]
        );
        assert_eq!(seen(&[""]).await, [Err("connection refused".into())]);
    }
}
