//! Where the components of a control plane listen: by the command line that they run with.

use crate::world::state::Container;
use podlift_model::command::CommandLine;

/// Those whose health is asked on the loopback: name and secure port.
pub const HEALTHZ: &[(&str, u16)] = &[("kube-controller-manager", 10_257), ("kube-scheduler", 10_259)];

/// Address (`0.0.0.0` where it is not given) and port.
pub fn listens_at(c: &Container) -> (String, u16) {
    let words: Vec<&str> = c.args.iter().map(String::as_str).collect();
    let line = CommandLine::read(&c.name, &words).unwrap_or_default();
    let last = |name: &str| line.uses(name).last().map(|f| f.value.clone());
    let usual = HEALTHZ.iter().find(|(name, _)| *name == c.name).map_or(6443, |(_, port)| *port);
    let port = last("secure-port").and_then(|p| p.parse().ok()).unwrap_or(usual);
    let address = last("bind-address").filter(|a| !a.is_empty() && a != "::");
    (address.unwrap_or_else(|| "0.0.0.0".into()), port)
}
