//! Label and field selectors of a request, and the label selectors that objects carry.

mod fields;
mod labels;

use super::route::Call;
use crate::objects::kinds::Kind;
use serde_json::Value;

#[derive(Debug)]
pub struct Selector {
    labels: Vec<labels::Term>,
    fields: Vec<fields::Term>,
}

impl Selector {
    /// Err: what is wrong, for a 400.
    pub fn of(kind: &Kind, call: &Call) -> Result<Self, String> {
        let (label, field) =
            (call.get("labelSelector").unwrap_or_default(), call.get("fieldSelector").unwrap_or_default());
        let labels = labels::parse(label).map_err(|e| format!("unable to parse requirement: {e}"))?;
        let fields = fields::parse(kind, field)?;
        Ok(Self { labels, fields })
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The one node of which pods are wanted.
    pub fn node(&self) -> Option<&str> {
        self.fields.iter().find_map(|t| t.must_be("spec.nodeName"))
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.labels.iter().all(|t| t.holds(&object["metadata"]["labels"]))
            && self.fields.iter().all(|t| t.holds(object))
    }

    /// As an object spells it: `matchLabels` and `matchExpressions`; an empty one matches all.
    pub fn matches_labels(spec: &Value, object: &Value) -> bool {
        labels::matches(spec, &object["metadata"]["labels"])
    }
}
