//! The output of `etcdctl -w json`. Pure.

use crate::exited;
use podlift_host::{Invocation, Output};
use podlift_model::Failure;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    #[serde(rename = "ID")]
    pub id: u64,
    #[serde(default)]
    pub name: String,
    #[serde(default, rename = "clientURLs")]
    pub client_urls: Vec<String>,
    #[serde(default, rename = "isLearner")]
    pub is_learner: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    pub cluster_id: u64,
    #[serde(default)]
    pub revision: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Members {
    pub header: Header,
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EndpointStatus {
    #[serde(rename = "Endpoint")]
    pub endpoint: String,
    #[serde(rename = "Status")]
    pub status: Status,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    pub header: Header,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub leader: u64,
    #[serde(default, rename = "dbSize")]
    pub db_size: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EndpointHealth {
    pub endpoint: String,
    pub health: bool,
    #[serde(default)]
    pub error: Option<String>,
    /// A duration in Go's form: `2.345678ms`.
    #[serde(default)]
    pub took: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Alarms {
    #[serde(default)]
    pub(super) alarms: Vec<Alarm>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Alarm {
    #[serde(rename = "memberID")]
    pub(super) member: u64,
    #[serde(default)]
    pub(super) alarm: u32,
}

impl EndpointHealth {
    /// Duration of the check in milliseconds; `None` if the answer has none.
    pub fn millis(&self) -> Option<u32> {
        go_millis(&self.took)
    }
}

/// Milliseconds of `1m2.5s`, `2.345678ms` or `850.1µs`, rounded up so that a measured time is never 0.
pub(super) fn go_millis(text: &str) -> Option<u32> {
    let (mut rest, mut millis) = (text, 0.0_f64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        millis += number
            * match &unit[..end] {
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1_000.0,
                "ms" => 1.0,
                "µs" | "us" => 1e-3,
                "ns" => 1e-6,
                _ => return None,
            };
        rest = &unit[end..];
    }
    (!text.is_empty()).then_some(millis.ceil() as u32)
}

pub(super) fn alarm_name(number: u32) -> String {
    match number {
        1 => "NOSPACE".into(),
        2 => "CORRUPT".into(),
        other => format!("alarm {other}"),
    }
}

pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T, Failure> {
    let bad = |e| {
        Failure::operator("etcd-answer", format!("`etcdctl {what}` printed no JSON that podlift knows: {e}"))
            .with_detail(text)
    };
    serde_json::from_str(text.trim()).map_err(bad)
}

/// Accepts exit code 1 with output: etcdctl exits 1 as soon as one endpoint does not answer, and prints the answers of the others.
pub(super) fn partial<'a, T: Deserialize<'a>>(
    call: &Invocation,
    output: &'a Output,
    what: &str,
) -> Result<T, Failure> {
    match parse(&output.stdout, what) {
        Err(_) if !output.success() => Err(exited(call, output)),
        other => other,
    }
}
