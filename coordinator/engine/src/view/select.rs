//! `podlift status --selector`: chooses the rows to show. Columns are keys. Every other key is a label of the node, as the cluster had it
//! when the plan was made.

use super::status::{NodeRow, Selection, Status};
use crate::machine::RunState;
use crate::selector::{Keys, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// Keeps only the rows that match. `text` is the source of `selector`.
pub fn select(status: &mut Status, state: Option<&RunState>, selector: &Selector, text: &str) {
    let of = status.nodes.len() as u32;
    let labels = labels(state);
    let asked: Vec<(NodeRow, Keys)> = std::mem::take(&mut status.nodes)
        .into_iter()
        .map(|row| (keys(&row, &labels), row))
        .map(|(k, r)| (r, k))
        .collect();
    let known: BTreeSet<String> = asked.iter().flat_map(|(_, keys)| keys.keys().cloned()).collect();
    status.nodes = asked.into_iter().filter(|(_, keys)| selector.matches(keys)).map(|(row, _)| row).collect();
    let matched = status.nodes.len() as u32;
    let keys = if matched == 0 { known.into_iter().collect() } else { vec![] };
    status.selection = Some(Selection { selector: text.into(), matched, of, keys });
}

type Labels<'a> = BTreeMap<&'a str, &'a BTreeMap<String, String>>;

fn labels(state: Option<&RunState>) -> Labels<'_> {
    let nodes = state.iter().flat_map(|s| &s.plan.inventory.nodes);
    nodes.map(|n| (n.name.as_str(), &n.view.labels)).collect()
}

/// Columns and labels of a row. A column hides a label of the same name.
fn keys(row: &NodeRow, labels: &Labels) -> Keys {
    let mut keys: Keys = labels.get(row.name.as_str()).map(|l| (*l).clone()).unwrap_or_default();
    let yes = |v: bool| v.to_string();
    let columns = [
        ("name", Some(row.name.to_string())),
        ("role", Some(row.role.to_string())),
        ("state", Some(row.state.clone())),
        ("version", row.kubelet.map(|v| v.to_string())),
        ("connected", Some(yes(row.connected))),
        ("stale", Some(yes(row.stale))),
        ("guard", Some(row.guard.clone())),
    ];
    keys.extend(columns.into_iter().filter_map(|(key, value)| Some((key.to_string(), value?))));
    keys
}
