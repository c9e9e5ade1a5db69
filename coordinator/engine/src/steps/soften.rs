//! What follows from a person's refusal is no reason to stop a run: differences of the record that come from it are warnings.

use super::{Cx, approved};
use crate::program::{Finding, Item, Severity};

/// Differences that follow from what a person has refused become warnings.
pub(super) fn soften(cx: &Cx, found: &mut [Finding]) {
    let refused = |item: Item| approved::is_refused(cx, item);
    let (services, secrets) = (refused(Item::ServiceRestore), refused(Item::SecretRestore));
    let restarts = refused(Item::RunaiRestart);
    // Without its service, an address gives no certificate.
    let addresses: Vec<String> = match services {
        true => addresses(cx, found),
        false => vec![],
    };
    for finding in found.iter_mut() {
        let of_address =
            || addresses.iter().any(|address| finding.evidence.contains(&format!(" at {address}:")));
        let follows = match finding.check.as_str() {
            "load-balancer-changed" => services,
            "certificate-changed" => secrets || restarts || of_address(),
            "tigera-changed" => refused(Item::TigeraRemoval),
            _ => false,
        };
        if follows {
            finding.severity = finding.severity.max(Severity::Warning);
        }
    }
}

/// Addresses of the recorded services that have changed.
fn addresses(cx: &Cx, found: &[Finding]) -> Vec<String> {
    let changed = |namespace: &str, name: &str| {
        let service = format!("service {namespace}/{name} ");
        found.iter().any(|f| f.check == "load-balancer-changed" && f.evidence.contains(&service))
    };
    let recorded = cx.program().recorded.load_balancers.iter().flatten();
    recorded.filter(|s| changed(&s.namespace, &s.name)).flat_map(|s| s.addresses.clone()).collect()
}
