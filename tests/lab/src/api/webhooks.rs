//! Admission webhooks: one whose service has no ready pod refuses every request that its rules cover, unless it may be ignored.

use super::route::Target;
use super::{Reply, budgets, status};
use crate::objects::Key;
use crate::world::State;
use serde_json::Value;

const GROUP: &str = "admissionregistration.k8s.io";

/// The refusal that an absent webhook means. `operation` is CREATE or UPDATE.
pub fn admit(s: &State, target: &Target, operation: &str) -> Result<(), Box<Reply>> {
    let configurations = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
        .into_iter()
        .flat_map(|resource| s.api.of(GROUP, resource));
    let hooks = configurations.flat_map(|(_, v)| v["webhooks"].as_array().into_iter().flatten());
    let mut called =
        hooks.filter(|hook| hook["failurePolicy"] != "Ignore" && covers(hook, target, operation));
    match called.find_map(|hook| absent(s, hook)) {
        Some(why) => Err(Box::new(status::failure(500, "InternalError", &why, Value::Null))),
        None => Ok(()),
    }
}

fn covers(hook: &Value, target: &Target, operation: &str) -> bool {
    let has =
        |list: &Value, wanted: &str| list.as_array().into_iter().flatten().any(|v| v == "*" || v == wanted);
    let mut rules = hook["rules"].as_array().into_iter().flatten();
    rules.any(|r| {
        has(&r["apiGroups"], target.kind.group)
            && has(&r["operations"], operation)
            && has(&r["resources"], target.kind.resource)
    })
}

/// What the API server says of a webhook that it can't reach.
fn absent(s: &State, hook: &Value) -> Option<String> {
    let service = &hook["clientConfig"]["service"];
    let text = |name: &str| service[name].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    if name.is_empty() {
        return None;
    }
    let object = s.api.get(&Key::new("", "services", namespace, name));
    let why = match object {
        None => format!("service \"{name}\" not found"),
        Some(v) if !has_ready_pod(s, namespace, v) => {
            format!("no endpoints available for service \"{name}\"")
        }
        Some(_) => return None,
    };
    let hook = hook["name"].as_str().unwrap_or_default();
    let path = text("path");
    let port = service["port"].as_u64().unwrap_or(443);
    Some(format!(
        "Internal error occurred: failed calling webhook \"{hook}\": failed to call webhook: Post \"https://{name}.{namespace}.svc:{port}{path}?timeout=10s\": {why}"
    ))
}

fn has_ready_pod(s: &State, namespace: &str, service: &Value) -> bool {
    crate::controllers::selected(s, namespace, service).any(budgets::ready)
}
