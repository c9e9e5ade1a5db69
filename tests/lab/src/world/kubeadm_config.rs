//! ClusterConfiguration as kubeadm reads it: not strict, not validated (that is why an empty endpoint list gets through). v1beta3's map
//! and v1beta4's list of extraArgs.

use super::shape::Shape;
use podlift_model::KubeVersion;
use serde_json::Value;

const GOOD: &str = include_str!("../../../fixtures/kubeadm-config/kubeadm-config.good.yaml");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    pub version: String,
    pub certificates: String,
    pub repository: String,
    pub etcd: EtcdConfig,
    pub api_extra: Vec<(String, String)>,
    pub manager_extra: Vec<(String, String)>,
    pub scheduler_extra: Vec<(String, String)>,
    pub dns_disabled: bool,
    pub proxy_disabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EtcdConfig {
    Local { advertise: Option<String> },
    External { endpoints: Vec<String>, ca: String, cert: String, key: String },
}

/// Reads the text of `data.ClusterConfiguration`.
pub fn parse(text: &str) -> Result<ClusterConfig, String> {
    let v: Value = serde_saphyr::from_str(text).map_err(|e| e.to_string())?;
    let text_at = |pointer: &str, default: &str| {
        v.pointer(pointer).and_then(Value::as_str).filter(|t| !t.is_empty()).unwrap_or(default).to_string()
    };
    Ok(ClusterConfig {
        version: text_at("/kubernetesVersion", ""),
        certificates: text_at("/certificatesDir", "/etc/kubernetes/pki"),
        repository: text_at("/imageRepository", "registry.k8s.io"),
        etcd: etcd(&v),
        api_extra: extra_args(&v["apiServer"]),
        manager_extra: extra_args(&v["controllerManager"]),
        scheduler_extra: extra_args(&v["scheduler"]),
        dns_disabled: v["dns"]["disabled"] == true,
        proxy_disabled: v["proxy"]["disabled"] == true,
    })
}

fn etcd(v: &Value) -> EtcdConfig {
    let external = &v["etcd"]["external"];
    if external.is_null() {
        let extra = extra_args(&v["etcd"]["local"]);
        return EtcdConfig::Local { advertise: last(&extra, "advertise-client-urls") };
    }
    let text = |name: &str| external[name].as_str().unwrap_or_default().to_string();
    let list = external["endpoints"].as_array().cloned().unwrap_or_default();
    let endpoints = list.iter().map(|e| e.as_str().unwrap_or_default().to_string()).collect();
    EtcdConfig::External { endpoints, ca: text("caFile"), cert: text("certFile"), key: text("keyFile") }
}

fn last(args: &[(String, String)], name: &str) -> Option<String> {
    args.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone())
}

fn extra_args(component: &Value) -> Vec<(String, String)> {
    let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), ToString::to_string);
    match &component["extraArgs"] {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), plain(v))).collect(),
        Value::Array(list) => list.iter().map(|i| (plain(&i["name"]), plain(&i["value"]))).collect(),
        _ => vec![],
    }
}

/// The text with another `kubernetesVersion`: what kubeadm uploads after an apply.
pub fn with_version(text: &str, version: KubeVersion) -> String {
    let line = |l: &str| match l.starts_with("kubernetesVersion:") {
        true => format!("kubernetesVersion: {version}\n"),
        false => format!("{l}\n"),
    };
    text.lines().map(line).collect()
}

/// The recorded ConfigMap's text made to fit the shape; `endpoints` as the shape wants them in the cluster.
pub fn text(shape: &Shape, endpoints: &[String]) -> String {
    let map: Value = serde_saphyr::from_str(GOOD).expect("the fixture is YAML");
    let mut out = String::new();
    let mut in_endpoints = false;
    for line in map["data"]["ClusterConfiguration"].as_str().unwrap_or_default().lines() {
        if in_endpoints && line.trim_start().starts_with("- https") {
            continue;
        }
        in_endpoints = line.trim() == "endpoints:";
        match line.trim() {
            "endpoints:" if endpoints.is_empty() => out.push_str("    endpoints: []\n"),
            "endpoints:" => {
                out.push_str("    endpoints:\n");
                endpoints.iter().for_each(|e| out.push_str(&format!("    - {e}\n")));
            }
            l if l.starts_with("controlPlaneEndpoint:") => {
                out.push_str(&format!("controlPlaneEndpoint: {}\n", shape.proxy));
            }
            l if l.starts_with("value: MaxUnavailable") => {
                out.push_str(&format!("    value: {}\n", shape.api_gates.join(",")));
            }
            _ => out.push_str(&format!("{line}\n")),
        }
    }
    let out = with_version(&out, shape.from).replace("runaicluster", &shape.cluster);
    match shape.api_gates.is_empty() {
        true => without_gates(&out),
        false => out,
    }
}

fn without_gates(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|l| {
        !l.contains("extraArgs:") && !l.contains("name: feature-gates") && !l.starts_with("    value:")
    });
    lines
        .iter()
        .map(|l| if *l == "apiServer:" { "apiServer: {}\n".to_string() } else { format!("{l}\n") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_table() {
        let cases = [
            ("etcd:\n  external: {}", Some(vec![])),
            ("etcd:\n  external:\n    endpoints: []", Some(vec![])),
            ("etcd:\n  external:\n    endpoints: null", Some(vec![])),
            ("etcd:\n  external:\n    endpoints: [\"\"]", Some(vec![String::new()])),
            ("etcd:\n  external: null", None),
            ("etcd: {}", None),
            ("{}", None),
        ];
        for (yaml, want) in cases {
            let got = match parse(yaml).unwrap().etcd {
                EtcdConfig::External { endpoints, .. } => Some(endpoints),
                EtcdConfig::Local { .. } => None,
            };
            assert_eq!(got, want, "{yaml}");
        }
    }

    #[test]
    fn the_shape_is_in_the_text() {
        let shape = Shape::default();
        let empty = parse(&text(&shape, &[])).unwrap();
        assert_eq!(empty.version, "v1.31.9");
        assert!(matches!(empty.etcd, EtcdConfig::External { endpoints, .. } if endpoints.is_empty()));
        assert_eq!(empty.api_extra, [("feature-gates".into(), "MaxUnavailableStatefulSet=true".into())]);
        let none = Shape { api_gates: vec![], ..shape };
        assert_eq!(parse(&text(&none, &none.etcd_endpoints())).unwrap().api_extra, []);
    }
}
