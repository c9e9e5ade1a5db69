//! ConfigMaps, secrets, services, service accounts.

use super::{AGE, NAME, Printer, name, number, pairs, text, text_or, wide};
use serde_json::{Value, json};

fn size(v: &Value) -> usize {
    v.as_object().map_or(0, serde_json::Map::len)
}

pub const CONFIG_MAPS: Printer = Printer {
    columns: &[NAME, number("Data"), AGE],
    cells: |v, now| vec![name(v), json!(size(&v["data"]) + size(&v["binaryData"])), now.age(v)],
};

pub const SECRETS: Printer = Printer {
    columns: &[NAME, text("Type"), number("Data"), AGE],
    cells: |v, now| vec![name(v), v["type"].clone(), json!(size(&v["data"])), now.age(v)],
};

pub const SERVICE_ACCOUNTS: Printer = Printer {
    columns: &[NAME, number("Secrets"), AGE],
    cells: |v, now| vec![name(v), json!(v["secrets"].as_array().map_or(0, Vec::len)), now.age(v)],
};

pub const SERVICES: Printer = Printer {
    columns: &[
        NAME,
        text("Type"),
        text("Cluster-IP"),
        text("External-IP"),
        text("Port(s)"),
        AGE,
        wide("Selector"),
    ],
    cells: |v, now| {
        let spec = &v["spec"];
        vec![
            name(v),
            json!(text_or(&spec["type"], "ClusterIP")),
            json!(text_or(&spec["clusterIP"], "<none>")),
            json!(external(v)),
            json!(ports(spec)),
            now.age(v),
            json!(pairs(&spec["selector"])),
        ]
    },
};

fn external(v: &Value) -> String {
    let texts = |list: &Value, field: Option<&str>| -> Vec<String> {
        let all = list.as_array().into_iter().flatten();
        all.filter_map(|i| field.map_or(i, |f| &i[f]).as_str().map(String::from)).collect()
    };
    let mut own = texts(&v["spec"]["externalIPs"], None);
    match v["spec"]["type"].as_str() {
        Some("ExternalName") => text_or(&v["spec"]["externalName"], "<none>"),
        Some("LoadBalancer") => {
            let points = &v["status"]["loadBalancer"]["ingress"];
            let mut all = [texts(points, Some("ip")), texts(points, Some("hostname"))].concat();
            all.append(&mut own);
            if all.is_empty() { "<pending>".into() } else { all.join(",") }
        }
        _ if own.is_empty() => "<none>".into(),
        _ => own.join(","),
    }
}

fn ports(spec: &Value) -> String {
    let one = |p: &Value| {
        let node = p["nodePort"].as_u64().filter(|n| *n > 0).map_or_else(String::new, |n| format!(":{n}"));
        format!("{}{node}/{}", p["port"], text_or(&p["protocol"], "TCP"))
    };
    let all: Vec<String> = spec["ports"].as_array().into_iter().flatten().map(one).collect();
    if all.is_empty() { "<none>".into() } else { all.join(",") }
}
