//! The certificate that each ingress address presents for each name that an ingress promises TLS for. Browsers see the same certificate.

use super::ingresses::Ingress;
use crate::cluster::Certificates;
use futures_util::StreamExt as _;
use podlift_engine::survey::{LoadBalancerView, ServedCertificate};
use podlift_model::survey::Seen;
use std::collections::BTreeSet;

const HTTPS: u16 = 443;
const HTTP: u16 = 80;
/// Concurrent handshakes.
const AT_ONCE: usize = 32;

pub(super) async fn read(
    certificates: &dyn Certificates,
    balancers: &Seen<Vec<LoadBalancerView>>,
    ingresses: &Seen<Vec<Ingress>>,
) -> Vec<ServedCertificate> {
    let asked = questions(balancers.as_deref().unwrap_or_default(), ingresses.as_deref().unwrap_or_default());
    let looks = asked.into_iter().map(|(address, name)| async move {
        let certificate = certificates.served(&address, &name).await;
        ServedCertificate { address, server_name: name, certificate }
    });
    let mut served: Vec<ServedCertificate> =
        futures_util::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    served.sort_by(|a, b| (&a.address, &a.server_name).cmp(&(&b.address, &b.server_name)));
    served
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
