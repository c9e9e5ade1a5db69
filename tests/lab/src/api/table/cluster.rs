//! Nodes, namespaces, events, leases, budgets.

use super::{AGE, NAME, Printer, name, number, text, text_or, wide};
use serde_json::{Value, json};

pub const NODES: Printer = Printer {
    columns: &[
        NAME,
        text("Status"),
        text("Roles"),
        AGE,
        text("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ],
    cells: |v, now| {
        let info = &v["status"]["nodeInfo"];
        let address = |kind: &str| {
            let all = v["status"]["addresses"].as_array().into_iter().flatten();
            text_or(
                all.into_iter().find(|a| a["type"] == kind).map_or(&Value::Null, |a| &a["address"]),
                "<none>",
            )
        };
        vec![
            name(v),
            json!(state(v)),
            json!(roles(v)),
            now.age(v),
            json!(text_or(&info["kubeletVersion"], "")),
            json!(address("InternalIP")),
            json!(address("ExternalIP")),
            json!(text_or(&info["osImage"], "<unknown>")),
            json!(text_or(&info["kernelVersion"], "<unknown>")),
            json!(text_or(&info["containerRuntimeVersion"], "<unknown>")),
        ]
    },
};

fn state(v: &Value) -> String {
    let mut all = v["status"]["conditions"].as_array().into_iter().flatten();
    let ready = all.find(|c| c["type"] == "Ready");
    let word = match ready.map(|c| &c["status"]) {
        Some(s) if s == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = if v["spec"]["unschedulable"] == true { ",SchedulingDisabled" } else { "" };
    format!("{word}{cordoned}")
}

fn roles(v: &Value) -> String {
    let labels = v["metadata"]["labels"].as_object().into_iter().flatten();
    let roles: Vec<&str> = labels
        .filter_map(|(k, v)| match k.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role).filter(|r| !r.is_empty()),
            None if k == "kubernetes.io/role" => v.as_str().filter(|r| !r.is_empty()),
            None => None,
        })
        .collect();
    if roles.is_empty() { "<none>".into() } else { roles.join(",") }
}

pub const NAMESPACES: Printer = Printer {
    columns: &[NAME, text("Status"), AGE],
    cells: |v, now| vec![name(v), json!(text_or(&v["status"]["phase"], "")), now.age(v)],
};

pub const EVENTS: Printer = Printer {
    columns: &[
        text("Last Seen"),
        text("Type"),
        text("Reason"),
        text("Object"),
        wide("Subobject"),
        wide("Source"),
        text("Message"),
        wide("First Seen"),
        wide("Count"),
        wide("Name"),
    ],
    cells: |v, now| {
        let object = &v["involvedObject"];
        let first = [&v["firstTimestamp"], &v["eventTime"], &v["metadata"]["creationTimestamp"]];
        let last = [&v["lastTimestamp"], &v["eventTime"], &v["metadata"]["creationTimestamp"]];
        let since =
            |all: [&Value; 3]| now.since(all.into_iter().find(|t| t.is_string()).unwrap_or(&Value::Null));
        let source = [&v["source"]["component"], &v["source"]["host"]].map(|s| text_or(s, ""));
        let kind = text_or(&object["kind"], "").to_lowercase();
        vec![
            json!(since(last)),
            v["type"].clone(),
            v["reason"].clone(),
            json!(format!("{kind}/{}", text_or(&object["name"], ""))),
            json!(text_or(&object["fieldPath"], "")),
            json!(source.iter().filter(|s| !s.is_empty()).cloned().collect::<Vec<_>>().join(", ")),
            json!(text_or(&v["message"], "").trim()),
            json!(since(first)),
            json!(v["count"].as_i64().unwrap_or(1)),
            name(v),
        ]
    },
};

pub const LEASES: Printer = Printer {
    columns: &[NAME, text("Holder"), AGE],
    cells: |v, now| vec![name(v), json!(text_or(&v["spec"]["holderIdentity"], "")), now.age(v)],
};

pub const BUDGETS: Printer = Printer {
    columns: &[NAME, text("Min Available"), text("Max Unavailable"), number("Allowed Disruptions"), AGE],
    cells: |v, now| {
        let bound = |b: &Value| match b {
            Value::Null => "N/A".to_string(),
            Value::String(s) => s.clone(),
            n => n.to_string(),
        };
        vec![
            name(v),
            json!(bound(&v["spec"]["minAvailable"])),
            json!(bound(&v["spec"]["maxUnavailable"])),
            json!(v["status"]["disruptionsAllowed"].as_i64().unwrap_or(0)),
            now.age(v),
        ]
    },
};
