//! Bodies as the Go types read them: fields that the kind does not have are named (strict), warned of, or dropped, and a value of another
//! type is refused. The types are those of `k8s-openapi`; a kind that is not listed here is taken as it is.

use super::route::Call;
use crate::objects::kinds::Kind;
use k8s_openapi::api::{
    apps, batch, coordination, core, discovery, events, networking, policy, rbac, scheduling, storage,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A body that was read, and what the answer warns of.
#[derive(Debug)]
pub struct Decoded {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// `fieldValidation` of the query decides; `Warn` where it is not given.
pub fn decode(kind: &Kind, call: &Call, mut object: Value) -> Result<Decoded, String> {
    (object["kind"], object["apiVersion"]) = (json!(kind.kind), json!(kind.api_version()));
    drop_nulls(&mut object);
    let known = match typed(kind, &object) {
        Some(Ok(known)) => known,
        Some(Err(e)) => return Err(unhandled(kind, &e)),
        None => return Ok(Decoded { object, warnings: vec![] }),
    };
    let mut unknown = vec![];
    drop_unknown(&mut object, &known, "", &mut unknown);
    let named: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    match call.get("fieldValidation").unwrap_or("Warn") {
        "Strict" if !named.is_empty() => {
            Err(unhandled(kind, &format!("strict decoding error: {}", named.join(", "))))
        }
        "Ignore" => Ok(Decoded { object, warnings: vec![] }),
        _ => Ok(Decoded { object, warnings: named }),
    }
}

fn unhandled(kind: &Kind, why: &str) -> String {
    format!("{0} in version \"{1}\" cannot be handled as a {0}: {why}", kind.kind, kind.version)
}

/// Null is Go's zero value: the field is as good as not given.
fn drop_nulls(v: &mut Value) {
    match v {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Takes away what the typed object did not keep.
fn drop_unknown(v: &mut Value, known: &Value, path: &str, unknown: &mut Vec<String>) {
    match (v, known) {
        (Value::Object(map), Value::Object(kept)) => drop_keys(map, kept, path, unknown),
        (Value::Array(list), Value::Array(kept)) => {
            for (i, (item, kept)) in list.iter_mut().zip(kept).enumerate() {
                drop_unknown(item, kept, &format!("{path}[{i}]"), unknown);
            }
        }
        _ => {}
    }
}

fn drop_keys(map: &mut Map<String, Value>, kept: &Map<String, Value>, path: &str, unknown: &mut Vec<String>) {
    let dot = if path.is_empty() { "" } else { "." };
    map.retain(|key, value| match kept.get(key) {
        Some(kept) => {
            drop_unknown(value, kept, &format!("{path}{dot}{key}"), unknown);
            true
        }
        None => {
            unknown.push(format!("{path}{dot}{key}"));
            false
        }
    });
}

fn round<T: DeserializeOwned + Serialize>(v: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(v.clone()).map_err(|e| format!("json: {e}"))?;
    serde_json::to_value(typed).map_err(|e| e.to_string())
}

fn typed(kind: &Kind, v: &Value) -> Option<Result<Value, String>> {
    Some(match (kind.group, kind.kind) {
        ("", "Node") => round::<core::v1::Node>(v),
        ("", "Pod") => round::<core::v1::Pod>(v),
        ("", "ConfigMap") => round::<core::v1::ConfigMap>(v),
        ("", "Secret") => round::<core::v1::Secret>(v),
        ("", "Service") => round::<core::v1::Service>(v),
        ("", "Event") => round::<core::v1::Event>(v),
        ("", "Namespace") => round::<core::v1::Namespace>(v),
        ("", "Endpoints") => round::<core::v1::Endpoints>(v),
        ("", "ServiceAccount") => round::<core::v1::ServiceAccount>(v),
        ("", "LimitRange") => round::<core::v1::LimitRange>(v),
        ("", "ResourceQuota") => round::<core::v1::ResourceQuota>(v),
        ("", "PersistentVolume") => round::<core::v1::PersistentVolume>(v),
        ("", "PersistentVolumeClaim") => round::<core::v1::PersistentVolumeClaim>(v),
        ("apps", "Deployment") => round::<apps::v1::Deployment>(v),
        ("apps", "DaemonSet") => round::<apps::v1::DaemonSet>(v),
        ("apps", "ReplicaSet") => round::<apps::v1::ReplicaSet>(v),
        ("apps", "StatefulSet") => round::<apps::v1::StatefulSet>(v),
        ("batch", "Job") => round::<batch::v1::Job>(v),
        ("batch", "CronJob") => round::<batch::v1::CronJob>(v),
        ("policy", _) => round::<policy::v1::PodDisruptionBudget>(v),
        ("coordination.k8s.io", _) => round::<coordination::v1::Lease>(v),
        ("discovery.k8s.io", _) => round::<discovery::v1::EndpointSlice>(v),
        ("events.k8s.io", _) => round::<events::v1::Event>(v),
        ("networking.k8s.io", "Ingress") => round::<networking::v1::Ingress>(v),
        ("networking.k8s.io", "NetworkPolicy") => round::<networking::v1::NetworkPolicy>(v),
        ("rbac.authorization.k8s.io", "ClusterRole") => round::<rbac::v1::ClusterRole>(v),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => round::<rbac::v1::ClusterRoleBinding>(v),
        ("rbac.authorization.k8s.io", "Role") => round::<rbac::v1::Role>(v),
        ("rbac.authorization.k8s.io", "RoleBinding") => round::<rbac::v1::RoleBinding>(v),
        ("scheduling.k8s.io", _) => round::<scheduling::v1::PriorityClass>(v),
        ("storage.k8s.io", "StorageClass") => round::<storage::v1::StorageClass>(v),
        _ => return None,
    })
}
