//! A LabelSelector as the API sends it.

use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::{Expression, Selector};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LabelSelector {
    #[serde(deserialize_with = "or_default")]
    match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    match_expressions: Vec<Requirement>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Requirement {
    key: String,
    operator: String,
    #[serde(deserialize_with = "or_default")]
    values: Vec<String>,
}

/// `None` selects nothing, and an empty one everything.
pub(super) fn selector(selector: Option<LabelSelector>) -> Selector {
    let Some(selector) = selector else { return Selector { nothing: true, ..Selector::default() } };
    let expressions = selector.match_expressions.into_iter();
    let expressions = expressions.map(|r| Expression { key: r.key, operator: r.operator, values: r.values });
    Selector { labels: selector.match_labels, expressions: expressions.collect(), nothing: false }
}
