//! Cluster IPs and node ports: given from their ranges, refused where they are taken (`pkg/registry/core/service`).

use super::status::Cause;
use crate::world::State;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// 10.96.0.0/12, as kubeadm sets it; the first sixteen are kept for names that are known beforehand.
const FIRST: u32 = 0x0A60_0010;
const LAST: u32 = 0x0A6F_FFFE;
const PORTS: std::ops::RangeInclusive<u64> = 30_000..=32_767;

/// Fills in what is allocated, or says why not. `name` draws.
pub fn allocate(s: &State, v: &mut Value, name: &str) -> Result<(), Cause> {
    let spec = &mut v["spec"];
    let kind = spec["type"].as_str().unwrap_or_default().to_string();
    if kind == "ExternalName" {
        return Ok(());
    }
    let start = name.bytes().fold(7_u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
    if spec["clusterIP"] != "None" {
        spec["clusterIP"] = json!(address(s, spec, start)?);
    }
    spec["clusterIPs"] = json!([spec["clusterIP"]]);
    crate::objects::defaults::fill(spec, "ipFamilies", json!(["IPv4"]));
    crate::objects::defaults::fill(spec, "ipFamilyPolicy", json!("SingleStack"));
    let wanted = match kind.as_str() {
        "NodePort" => true,
        "LoadBalancer" => spec["allocateLoadBalancerNodePorts"] != false,
        _ => false,
    };
    if wanted { ports(s, spec, start) } else { Ok(()) }
}

fn services(s: &State) -> impl Iterator<Item = &Value> {
    s.api.of("", "services").map(|(_, v)| &v["spec"])
}

fn address(s: &State, spec: &Value, start: u32) -> Result<String, Cause> {
    let taken = |ip: &str| services(s).any(|o| o["clusterIP"] == ip);
    let given = spec["clusterIP"].as_str().or(spec["clusterIPs"][0].as_str()).filter(|ip| !ip.is_empty());
    let Some(ip) = given else {
        let size = LAST - FIRST + 1;
        let all = (0..size).map(|i| Ipv4Addr::from(FIRST + (start.wrapping_add(i)) % size).to_string());
        return all.into_iter().find(|ip| !taken(ip)).ok_or_else(|| refused("", "range is full"));
    };
    let inside = ip.parse::<Ipv4Addr>().is_ok_and(|a| (0x0A60_0001..=LAST).contains(&u32::from(a)));
    if !inside {
        let why = format!(
            "the provided IP ({ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
        );
        return Err(refused(ip, &why));
    }
    if taken(ip) { Err(refused(ip, "provided IP is already allocated")) } else { Ok(ip.into()) }
}

fn refused(ip: &str, why: &str) -> Cause {
    let message = format!("Invalid value: []string{{\"{ip}\"}}: failed to allocate IP {ip}: {why}");
    Cause { reason: "FieldValueInvalid", field: "spec.clusterIPs".into(), message }
}

fn ports(s: &State, spec: &mut Value, start: u32) -> Result<(), Cause> {
    let mut used: Vec<u64> = services(s)
        .flat_map(|o| o["ports"].as_array().into_iter().flatten().filter_map(|p| p["nodePort"].as_u64()))
        .collect();
    for (i, port) in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        let bad = |port: u64, why: &str| Cause {
            reason: "FieldValueInvalid",
            field: format!("spec.ports[{i}].nodePort"),
            message: format!("Invalid value: {port}: {why}"),
        };
        let number = match port["nodePort"].as_u64().filter(|p| *p > 0) {
            Some(p) if !PORTS.contains(&p) => {
                return Err(bad(
                    p,
                    "provided port is not in the valid range. The range of valid ports is 30000-32767",
                ));
            }
            Some(p) if used.contains(&p) => return Err(bad(p, "provided port is already allocated")),
            Some(p) => p,
            None => {
                let size = PORTS.end() - PORTS.start() + 1;
                let mut all = (0..size).map(|k| PORTS.start() + (u64::from(start) + k) % size);
                all.find(|p| !used.contains(p)).ok_or_else(|| bad(0, "range is full"))?
            }
        };
        used.push(number);
        port["nodePort"] = json!(number);
    }
    Ok(())
}
