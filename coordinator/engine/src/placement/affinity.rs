//! Required node affinity (`component-helpers/scheduling/corev1/nodeaffinity`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One `nodeSelectorTerm`: all of its expressions must match. A term without any matches no node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Term {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
    /// Over fields of the node, of which there is one: `metadata.name`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_fields: Vec<Expression>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Expression {
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`.
    pub operator: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Term {
    pub(super) fn matches(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let field = |e: &Expression| e.matches((e.key == "metadata.name").then_some(name));
        let label = |e: &Expression| e.matches(labels.get(&e.key).map(String::as_str));
        let says_something = !self.match_expressions.is_empty() || !self.match_fields.is_empty();
        says_something && self.match_expressions.iter().all(label) && self.match_fields.iter().all(field)
    }
}

impl Expression {
    /// An operator that Kubernetes does not have matches nothing.
    fn matches(&self, own: Option<&str>) -> bool {
        let listed = || own.is_some_and(|own| self.values.iter().any(|v| v == own));
        match self.operator.as_str() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => own.is_some(),
            "DoesNotExist" => own.is_none(),
            "Gt" => self.numbers(own).is_some_and(|(own, limit)| own > limit),
            "Lt" => self.numbers(own).is_some_and(|(own, limit)| own < limit),
            _ => false,
        }
    }

    fn numbers(&self, own: Option<&str>) -> Option<(i64, i64)> {
        let [limit] = self.values.as_slice() else { return None };
        Some((own?.parse().ok()?, limit.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Expression {
        let mut words = text.split(' ').map(String::from);
        let mut next = || words.next().unwrap_or_default();
        Expression { key: next(), operator: next(), values: words.collect() }
    }

    #[test]
    fn each_operator_on_a_label_that_is_there_and_one_that_is_not() {
        let labels = BTreeMap::from([("rack".to_string(), "r1".to_string()), ("u".into(), "7".into())]);
        let cases = [
            ("rack In r1 r2", true),
            ("rack In r2", false),
            ("zone In a", false),
            ("rack NotIn r1", false),
            ("rack NotIn r2", true),
            ("zone NotIn a", true),
            ("rack Exists", true),
            ("zone Exists", false),
            ("rack DoesNotExist", false),
            ("zone DoesNotExist", true),
            ("u Gt 6", true),
            ("u Gt 7", false),
            ("u Lt 8", true),
            ("u Lt 7", false),
            ("rack Gt 1", false),
            ("zone Lt 1", false),
            ("u Gt 1 2", false),
            ("rack Near r1", false),
        ];
        for (text, want) in cases {
            let term = Term { match_expressions: vec![expression(text)], match_fields: vec![] };
            assert_eq!(term.matches("dgx030", &labels), want, "{text}");
        }
    }

    #[test]
    fn all_expressions_of_a_term_count_and_an_empty_term_matches_nothing() {
        let labels = BTreeMap::from([("rack".to_string(), "r1".to_string())]);
        let name = |n: &str| expression(&format!("metadata.name In {n}"));
        let term = |fields: Vec<Expression>, labels: &[&str]| Term {
            match_expressions: labels.iter().map(|l| expression(l)).collect(),
            match_fields: fields,
        };
        for (term, want) in [
            (term(vec![], &[]), false),
            (term(vec![name("dgx030")], &[]), true),
            (term(vec![name("dgx031")], &[]), false),
            (term(vec![name("dgx030")], &["rack In r2"]), false),
            (term(vec![name("dgx030")], &["rack In r1"]), true),
            (term(vec![], &["rack In r1", "rack NotIn r1"]), false),
        ] {
            assert_eq!(term.matches("dgx030", &labels), want, "{term:?}");
        }
    }
}
