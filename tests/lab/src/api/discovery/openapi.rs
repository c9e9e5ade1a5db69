//! OpenAPI v3 as far as a client decides by it: which paths take which verbs of which kind, and that the server checks fields. No schemas
//! of fields: a client that wants them uses those it was built with.

use crate::api::{Reply, status};
use crate::objects::kinds::{self, Kind};
use serde_json::{Map, Value, json};

pub fn answer(parts: &[&str]) -> Option<Reply> {
    Some(status::reply_json(
        200,
        &match parts {
            ["openapi", "v3"] => index(),
            ["openapi", "v3", "api", version] => document("", version)?,
            ["openapi", "v3", "apis", group, version] => document(group, version)?,
            _ => return None,
        },
    ))
}

fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn index() -> Value {
    let named = kinds::groups().into_iter().flat_map(|(g, all)| all.into_iter().map(move |v| root(g, v)));
    let paths: Map<String, Value> = std::iter::once(root("", "v1"))
        .chain(named)
        .map(|path| {
            let url = format!("/openapi/v3/{path}");
            (path, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": paths})
}

fn document(group: &str, version: &str) -> Option<Value> {
    let mine = kinds::all().iter().filter(|k| k.group == group && k.version == version && k.stored());
    let mut paths = Map::new();
    for k in mine {
        let place = if k.namespaced { "namespaces/{namespace}/" } else { "" };
        let collection = format!("/{}/{place}{}", root(group, version), k.resource);
        paths.insert(collection.clone(), json!({"get": operation(k, "list"), "post": operation(k, "post")}));
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({"get": operation(k, "get"), "put": operation(k, "put"), "patch": operation(k, "patch"),
                "delete": operation(k, "delete")}),
        );
    }
    (!paths.is_empty()).then(|| {
        json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.32.13"}, "paths": paths,
            "components": {"schemas": {}}})
    })
}

fn operation(k: &Kind, action: &str) -> Value {
    let query =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let writes = matches!(action, "post" | "put" | "patch");
    let names: &[&str] = if writes { &["dryRun", "fieldManager", "fieldValidation"] } else { &[] };
    let mut v = json!({"parameters": names.iter().map(|n| query(n)).collect::<Vec<_>>(),
        "responses": {"200": {"description": "OK"}}, "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": k.group, "version": k.version, "kind": k.kind}});
    if action == "patch" {
        // Not strategic merge: that would promise the schemas of the lists' keys.
        let any = json!({"schema": {"type": "object"}});
        v["requestBody"] = json!({"content": {"application/apply-patch+yaml": any, "application/merge-patch+json": any,
            "application/json-patch+json": any}});
    }
    v
}
