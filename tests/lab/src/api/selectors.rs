//! Label and field selectors.

use super::route::Call;
use serde_json::Value;

pub struct Selector {
    labels: Vec<Term>,
    fields: Vec<Term>,
}

struct Term {
    path: String,
    test: Test,
}

enum Test {
    Exists(bool),
    Equals(bool, String),
    In(bool, Vec<String>),
}

impl Selector {
    pub fn of(call: &Call) -> Self {
        let terms = |name: &str| split(call.get(name).unwrap_or_default()).iter().map(|t| term(t)).collect();
        Self { labels: terms("labelSelector"), fields: terms("fieldSelector") }
    }

    /// As an object spells it: `matchLabels` and `matchExpressions`; an empty one matches all.
    pub fn matches_labels(spec: &Value, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let mut plain = spec["matchLabels"].as_object().into_iter().flatten();
        let expressions = spec["matchExpressions"].as_array().cloned().unwrap_or_default();
        plain.all(|(k, v)| labels[k] == *v) && expressions.iter().all(|e| expression(e, labels))
    }

    pub fn matches(&self, object: &Value) -> bool {
        let label = |t: &Term| t.test.holds(object["metadata"]["labels"][&t.path].as_str());
        let field = |t: &Term| {
            let value = t.path.split('.').fold(object, |v, part| &v[part]);
            t.test.holds(Some(value.as_str().unwrap_or_default()))
        };
        self.labels.iter().all(label) && self.fields.iter().all(field)
    }
}

fn expression(e: &Value, labels: &Value) -> bool {
    let value = labels[e["key"].as_str().unwrap_or_default()].as_str();
    let values = || e["values"].as_array().cloned().unwrap_or_default();
    let within = |v: &str| values().iter().any(|x| x == v);
    match e["operator"].as_str() {
        Some("In") => value.is_some_and(within),
        Some("NotIn") => !value.is_some_and(within),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Test::Exists(yes) => value.is_some() == *yes,
            Test::Equals(yes, want) => (value == Some(want)) == *yes,
            Test::In(yes, all) => value.is_some_and(|v| all.iter().any(|a| a == v)) == *yes,
        }
    }
}

/// At commas that are not in parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all.retain(|t| !t.trim().is_empty());
    all
}

fn term(text: &str) -> Term {
    let text = text.trim();
    let made = |path: &str, test| Term { path: path.trim().into(), test };
    for (word, yes) in [(" notin ", false), (" in ", true)] {
        if let Some((path, list)) = text.split_once(word) {
            let list = list.trim().trim_matches(['(', ')']).split(',').map(|v| v.trim().to_string());
            return made(path, Test::In(yes, list.collect()));
        }
    }
    for (word, yes) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((path, value)) = text.split_once(word) {
            return made(path, Test::Equals(yes, value.trim().into()));
        }
    }
    match text.strip_prefix('!') {
        Some(path) => made(path, Test::Exists(false)),
        None => made(text, Test::Exists(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selects() {
        let v =
            json!({"metadata": {"name": "p", "labels": {"app": "web", "x": ""}}, "spec": {"nodeName": "n"}});
        let label = |text: &str| {
            Selector { labels: split(text).iter().map(|t| term(t)).collect(), fields: vec![] }.matches(&v)
        };
        let field = |text: &str| {
            Selector { labels: vec![], fields: split(text).iter().map(|t| term(t)).collect() }.matches(&v)
        };
        for (text, want) in [
            ("app=web", true),
            ("app==web,x", true),
            ("app!=web", false),
            ("!x", false),
            ("app in (a, web)", true),
            ("app notin (web)", false),
            ("", true),
        ] {
            assert_eq!(label(text), want, "{text}");
        }
        for (text, want) in [
            ("spec.nodeName=n", true),
            ("metadata.name=q", false),
            ("spec.nodeName!=n", false),
            ("status.phase=", true),
        ] {
            assert_eq!(field(text), want, "{text}");
        }
    }
}
