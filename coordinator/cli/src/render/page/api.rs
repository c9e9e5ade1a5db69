//! How long the API was away: at the shared address, and at each API server.

use crate::render::{probes, reads};
use maud::{Markup, html};
use podlift_engine::doors::VIP;
use podlift_engine::machine::ProbeKind;
use podlift_engine::view::Report;

pub(super) fn api(r: &Report) -> Markup {
    let seen = |endpoint: &str| r.api_outage.reads.get(endpoint);
    let vip = (VIP, "shared address", r.api_outage.vip_seconds);
    let others = r
        .api_outage
        .endpoints
        .iter()
        .map(|(endpoint, seconds)| (endpoint.as_str(), endpoint.as_str(), *seconds));
    html! {
        section {
            h2 { "API servers" }
            table {
                thead { tr { th scope="col" { "endpoint" } th scope="col" { "away" } th scope="col" { "probes while the control plane was changed" } } }
                tbody {
                    @for (key, name, seconds) in std::iter::once(vip).chain(others) {
                        tr {
                            th scope="row" { (name) }
                            td.number { @if seen(key).is_some() || seconds > 0.0 { (format!("{seconds:.1} s")) } @else { "not known" } }
                            td {
                                (seen(key).map_or("no reads".into(), reads))
                                @for (kind, all) in r.probes.iter().filter(|(kind, _)| **kind != ProbeKind::Read) {
                                    @if let Some(counts) = all.get(key) { br; (probes(*kind, counts)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
