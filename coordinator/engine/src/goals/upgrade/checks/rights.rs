//! The coordinator has every right in the API that a run needs. A right that is missing would end the run in its middle.

use super::View;
use crate::program::{Finding, Severity, finding};
use crate::survey::MissingRight;

pub const ID: &str = "rights";

pub fn check(view: &View) -> Vec<Finding> {
    match view.cluster().map(|c| &c.rights) {
        None => vec![],
        Some(Ok(missing)) => missing.iter().map(denied).collect(),
        Some(Err(why)) => {
            let evidence =
                format!("whether the coordinator has the rights that a run needs is not known: {why}");
            vec![finding(ID, Severity::Warning, None, evidence, "kubectl auth can-i --list")]
        }
    }
}

fn denied(right: &MissingRight) -> Finding {
    let group = if right.group.is_empty() { String::new() } else { format!(".{}", right.group) };
    let place = right.namespace.as_ref().map_or("--all-namespaces".into(), |n| format!("-n {n}"));
    let evidence = format!(
        "the coordinator may not {} {}{group}{}, which is needed for: {}; apply podlift's rbac.yaml",
        right.verb,
        right.resource,
        right.namespace.as_ref().map_or(String::new(), |n| format!(" in {n}")),
        right.needed_for
    );
    let next = match right.resource.split_once('/') {
        None => format!("kubectl auth can-i {} {}{group} {place}", right.verb, right.resource),
        Some((of, part)) => {
            format!("kubectl auth can-i {} {of}{group} --subresource {part} {place}", right.verb)
        }
    };
    finding(ID, Severity::Blocker, None, evidence, &next)
}
