//! What the two issues of a manifest have in common: a component that exits at every start, its log line, the outage of its endpoint, and the
//! heal that ended it.

use super::{Fact, IssueName, Observed, Sighting, Writer, WriterSource};
use crate::program::Severity;
use podlift_model::NodeName;
use podlift_model::components::ComponentState;
use podlift_model::heal::HealEvent;
use podlift_model::op::Component;

/// Longest log line in an evidence, characters.
const LINE: usize = 300;

pub(super) fn seen(
    now: &Observed,
    issue: IssueName,
    rules: &[&str],
    crashes: impl Fn(Component, &str) -> bool,
    what: impl Fn(Component) -> String,
) -> Vec<Sighting> {
    let mut out = vec![];
    for (node, components) in &now.components {
        for state in components.iter().flatten().filter(|state| !state.serves()) {
            let line = state.log_tail.lines().rev().find(|line| crashes(state.component, line));
            out.extend(line.map(|line| crashing(now, issue, node, state, line, what(state.component))));
        }
    }
    let of_rules = |heal: &&HealEvent| heal.rules.iter().any(|rule| rules.contains(&rule.as_str()));
    for heal in now.heals.iter().filter(of_rules) {
        // A component that crashes again has its own row.
        let object = format!("node {}", heal.node);
        if !out.iter().any(|sighting| sighting.object == object) {
            out.push(healed(now, issue, heal, object));
        }
    }
    out
}

fn crashing(
    now: &Observed,
    issue: IssueName,
    node: &NodeName,
    state: &ComponentState,
    line: &str,
    what: String,
) -> Sighting {
    let component = state.component;
    let mut evidence = vec![Fact::new(
        line.trim().chars().take(LINE).collect::<String>(),
        format!("log of {component} on {node}"),
    )];
    let exit = state.last_exit.map(|code| format!("last exit code {code}, {} restarts", state.restarts));
    evidence.extend(exit.map(|exit| Fact::new(exit, format!("container runtime of {node}"))));
    let outage = outage(now, node);
    evidence.extend(outage.map(|down| Fact::new(down.why.clone(), format!("endpoint {}", down.endpoint))));
    Sighting {
        issue,
        object: format!("node {node}"),
        // The runtime's last exit where no outage of the endpoint was seen: of the other components, nobody probes one.
        since: outage.map(|down| down.from).or(state.last_exit_at),
        what: format!("{node}: {what}"),
        evidence,
        by: None,
        severity: Severity::Blocker,
        mend: None,
        next: format!("podlift heal status {node}"),
    }
}

fn healed(now: &Observed, issue: IssueName, heal: &HealEvent, object: String) -> Sighting {
    let mut evidence = vec![Fact::new(
        format!("{} in {} µs: {}", heal.file, heal.latency_us, heal.rules.join(", ")),
        format!("heal {} of {}", heal.id, heal.node),
    )];
    // The outage that this heal ended, or one that it left unanswered.
    let down = outage(now, &heal.node).filter(|down| down.to.is_none_or(|to| to >= heal.at));
    evidence.extend(down.map(|down| Fact::new(down.why.clone(), format!("endpoint {}", down.endpoint))));
    Sighting {
        issue,
        object,
        since: Some(down.map_or(heal.at, |down| down.from.min(heal.at))),
        what: format!("{}: its agent healed {}", heal.node, heal.file),
        evidence,
        by: Some(Writer { name: "podlift-agent".into(), at: Some(heal.at), source: WriterSource::Event }),
        severity: Severity::Note,
        mend: None,
        next: format!("podlift heal diff --id {}", heal.id),
    }
}

/// The newest outage of the node's own API server.
fn outage<'a>(now: &'a Observed, node: &NodeName) -> Option<&'a super::Down> {
    let endpoint = now.endpoints.get(node)?;
    now.outages.iter().rev().find(|down| down.endpoint == *endpoint)
}
