//! Field selectors: only the fields that each kind indexes; another one is an error, as in the real server.

use crate::objects::kinds::Kind;
use serde_json::Value;

#[derive(Debug)]
pub struct Term {
    path: String,
    equal: bool,
    value: String,
}

fn supported(kind: &Kind) -> &'static [&'static str] {
    match (kind.group, kind.kind) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        ("", "Node") => &["spec.unschedulable"],
        ("", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("", "Secret") => &["type"],
        ("", "Namespace") => &["status.phase"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("apps", "ReplicaSet") => &["status.replicas"],
        ("batch", "Job") => &["status.successful"],
        _ => &[],
    }
}

impl Term {
    /// The value that this field must have.
    pub fn must_be(&self, path: &str) -> Option<&str> {
        (self.equal && self.path == path).then_some(self.value.as_str())
    }

    pub fn holds(&self, object: &Value) -> bool {
        let path = if self.path == "source" { "source.component" } else { &self.path };
        let value = path.split('.').fold(object, |v, part| &v[part]);
        let flag = matches!(path, "spec.unschedulable" | "spec.hostNetwork");
        let text = match value {
            Value::String(s) => s.clone(),
            Value::Null if flag => "false".into(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        (text == self.value) == self.equal
    }
}

pub fn parse(kind: &Kind, text: &str) -> Result<Vec<Term>, String> {
    text.split(',').filter(|t| !t.is_empty()).map(|t| term(kind, t)).collect()
}

fn term(kind: &Kind, text: &str) -> Result<Term, String> {
    let found = [("!=", false), ("==", true), ("=", true)]
        .iter()
        .find_map(|(word, equal)| text.split_once(word).map(|(path, value)| (path, value, *equal)));
    let (path, value, equal) =
        found.ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{text}'"))?;
    let known = path == "metadata.name"
        || (path == "metadata.namespace" && kind.namespaced)
        || supported(kind).contains(&path);
    match known {
        true => Ok(Term { path: path.into(), equal, value: value.into() }),
        false => Err(format!("field label not supported: {path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::kinds;
    use serde_json::json;

    #[test]
    fn selects() {
        let (pods, nodes) = (kinds::find("", "v1", "pods").unwrap(), kinds::find("", "v1", "nodes").unwrap());
        let v = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n"}});
        for (kind, text, want) in [
            (pods, "spec.nodeName=n", true),
            (pods, "metadata.name=q", false),
            (pods, "spec.nodeName!=n", false),
            (pods, "status.phase=,metadata.name==p", true),
            (nodes, "spec.unschedulable=false", true),
        ] {
            assert_eq!(parse(kind, text).unwrap().iter().all(|t| t.holds(&v)), want, "{text}");
        }
        assert!(parse(nodes, "spec.nodeName=n").unwrap_err().contains("not supported"));
        assert!(parse(nodes, "metadata.namespace=n").is_err());
        assert!(parse(pods, "spec.nodeName").is_err());
    }
}
