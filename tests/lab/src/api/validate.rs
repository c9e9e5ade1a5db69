//! The rules that a wrong object meets first: names, what a kind must have, what can't be changed any more. Not the whole of the real
//! server's validation.

use super::status::Cause;
use crate::objects::kinds::Kind;
use serde_json::Value;

fn cause(reason: &'static str, field: &str, message: String) -> Cause {
    Cause { reason, field: field.into(), message }
}

fn required(field: &str, detail: &str) -> Cause {
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    cause("FieldValueRequired", field, format!("Required value{detail}"))
}

pub fn missing_name() -> Cause {
    required("metadata.name", "name or generateName is required")
}

pub fn missing_version() -> Cause {
    cause(
        "FieldValueInvalid",
        "metadata.resourceVersion",
        "Invalid value: 0x0: must be specified for an update".into(),
    )
}

/// Err where nothing can be stored like this.
pub fn new(kind: &Kind, v: &Value) -> Vec<Cause> {
    let mut all = vec![];
    let name = v["metadata"]["name"].as_str().unwrap_or_default();
    if !kind.group.starts_with("rbac") && !subdomain(name) {
        all.push(cause("FieldValueInvalid", "metadata.name", format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")));
    }
    let none = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    match (kind.group, kind.kind) {
        ("", "Pod") if none(&v["spec"]["containers"]) => all.push(required("spec.containers", "")),
        ("apps", _)
            if none(&v["spec"]["template"]["spec"]["containers"]) && kind.kind != "ControllerRevision" =>
        {
            all.push(required("spec.template.spec.containers", ""));
        }
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
            if v["spec"]["selector"].is_null() =>
        {
            all.push(required("spec.selector", ""));
        }
        ("", "Service")
            if none(&v["spec"]["ports"])
                && v["spec"]["type"] != "ExternalName"
                && v["spec"]["clusterIP"] != "None" =>
        {
            all.push(required("spec.ports", ""));
        }
        ("policy", _) if !v["spec"]["minAvailable"].is_null() && !v["spec"]["maxUnavailable"].is_null() => {
            all.push(cause(
                "FieldValueInvalid",
                "spec",
                "Invalid value: minAvailable and maxUnavailable cannot be both set".into(),
            ));
        }
        _ => {}
    }
    all
}

/// What can't be changed.
pub fn change(kind: &Kind, before: &Value, after: &Value) -> Vec<Cause> {
    let differs = |path: &str| before.pointer(path) != after.pointer(path);
    let fixed = |path: &str, field: &str| {
        differs(path).then(|| {
            let value = after.pointer(path).cloned().unwrap_or_default();
            cause("FieldValueInvalid", field, format!("Invalid value: {value}: field is immutable"))
        })
    };
    let one = match (kind.group, kind.kind) {
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => fixed("/spec/selector", "spec.selector"),
        ("", "ConfigMap" | "Secret") if before["immutable"] == true => {
            (differs("/data") || differs("/immutable")).then(|| {
                cause(
                    "FieldValueForbidden",
                    "data",
                    "Forbidden: field is immutable when `immutable` is set".into(),
                )
            })
        }
        ("", "Secret") => fixed("/type", "type"),
        ("", "Service") if before["spec"]["type"] == after["spec"]["type"] => {
            fixed("/spec/clusterIP", "spec.clusterIPs[0]")
        }
        ("", "Pod") => pod(before, after),
        _ => None,
    };
    one.into_iter().collect()
}

fn pod(before: &Value, after: &Value) -> Option<Cause> {
    let free = |v: &Value| {
        let mut spec = v["spec"].clone();
        for list in ["containers", "initContainers"] {
            for c in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                c.as_object_mut().map(|c| c.remove("image"));
            }
        }
        for name in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
            spec.as_object_mut().map(|s| s.remove(name));
        }
        spec
    };
    (free(before) != free(after)).then(|| {
        cause("FieldValueForbidden", "spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)".into())
    })
}

fn subdomain(name: &str) -> bool {
    let word = |w: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        !w.is_empty() && w.starts_with(plain) && w.ends_with(plain) && w.chars().all(|c| plain(c) || c == '-')
    };
    name.len() <= 253 && name.split('.').all(word)
}

/// A TLS secret whose certificate is none is taken, with a warning.
pub fn warnings(kind: &Kind, v: &Value) -> Vec<String> {
    use base64::Engine as _;
    if kind.kind != "Secret" || v["type"] != "kubernetes.io/tls" {
        return vec![];
    }
    let text = v["data"]["tls.crt"].as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    match String::from_utf8_lossy(&bytes).contains("-----BEGIN ") {
        true => vec![],
        false => vec!["tls: failed to find any PEM data in certificate input".into()],
    }
}
