//! How lists and maps of the served kinds are merged, by the name of their field and of the one that holds it. Two views that differ:
//! strategic merge patch (`patchStrategy` tags of the Go types) and server-side apply (`x-kubernetes-list-type`, `-map-type`).

use serde_json::Value;

/// The key by which strategic merge patch merges a list of objects. None: the list is replaced.
pub fn patch_key(parent: &str, field: &str) -> Option<&'static str> {
    Some(match field {
        "conditions" | "addresses" => "type",
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "resourceClaims"
        | "secrets" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ports" if parent == "spec" => "port",
        "ports" => "containerPort",
        "ownerReferences" => "uid",
        "podIPs" | "hostIPs" | "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    })
}

/// Lists of plain values that strategic merge patch merges.
pub fn patch_set(field: &str) -> bool {
    matches!(field, "finalizers" | "podCIDRs")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One owner for the whole value.
    Atomic,
    /// Fields that are always there.
    Struct,
    /// Keys that come and go, each with its owner.
    Map,
    /// A list of objects, each named by these fields.
    Keyed(&'static [&'static str]),
    /// A list of plain values.
    Set,
}

pub fn shape(parent: &str, field: &str, value: &Value) -> Shape {
    match value {
        Value::Array(_) => list_shape(parent, field),
        Value::Object(_) => map_shape(field),
        _ => Shape::Atomic,
    }
}

fn list_shape(parent: &str, field: &str) -> Shape {
    Shape::Keyed(match field {
        "conditions" | "addresses" => &["type"],
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "resourceClaims" => &["name"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "ports" if parent == "spec" => &["port", "protocol"],
        "ports" if parent == "loadBalancer" => return Shape::Atomic,
        "ports" => &["containerPort", "protocol"],
        "ownerReferences" => &["uid"],
        "podIPs" | "hostAliases" => &["ip"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        "finalizers" | "podCIDRs" => return Shape::Set,
        _ => return Shape::Atomic,
    })
}

fn map_shape(field: &str) -> Shape {
    match field {
        "labels" | "annotations" | "data" | "binaryData" | "stringData" | "limits" | "requests"
        | "capacity" | "allocatable" | "parameters" => Shape::Map,
        "selector" | "matchLabels" | "nodeSelector" | "involvedObject" | "related" | "regarding"
        | "fieldRef" | "resourceFieldRef" | "secretKeyRef" | "configMapKeyRef" | "claimRef" | "targetRef" => {
            Shape::Atomic
        }
        _ => Shape::Struct,
    }
}

/// Fields that the Go types have as values, without `omitempty`: they are in an empty object already, so no writer adds them.
pub fn always_there(field: &str) -> bool {
    matches!(
        field,
        "metadata"
            | "spec"
            | "status"
            | "template"
            | "strategy"
            | "updateStrategy"
            | "source"
            | "containers"
            | "loadBalancer"
            | "nodeInfo"
            | "daemonEndpoints"
            | "kubeletEndpoint"
    )
}
