//! /metrics of each API server: which removed APIs clients requested since it started, and how many objects it counts. The proxy in front
//! would show one server only. A page of a large cluster is tens of megabytes, so it is read line by line.

use crate::cluster::Servers;
use futures_util::future::join_all;
use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use podlift_engine::survey::DeprecatedUse;
use podlift_model::survey::Seen;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time limit for the page of one server.
const PAGE: Duration = Duration::from_secs(20);
/// Longest line in bytes; no relevant line is longer.
const LINE: usize = 64 << 10;
const DEPRECATED: &str = "apiserver_requested_deprecated_apis{";
const OBJECTS: &[&str] = &["apiserver_storage_objects{", "apiserver_resource_objects{"];

/// The content of one server's page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    pub deprecated: Vec<DeprecatedUse>,
    /// Number of stored objects by `plural.group`.
    pub objects: BTreeMap<String, u32>,
}

pub(super) async fn read(servers: &dyn Servers, endpoints: &[String]) -> BTreeMap<String, Seen<Told>> {
    let one = |endpoint: &String| {
        let endpoint = endpoint.clone();
        async move {
            let late = |_| Err(format!("no answer within {} s", PAGE.as_secs()));
            let told = tokio::time::timeout(PAGE, page(servers, &endpoint)).await.unwrap_or_else(late);
            (endpoint, told)
        }
    };
    join_all(endpoints.iter().map(one)).await.into_iter().collect()
}

pub(super) fn deprecated(told: BTreeMap<String, Seen<Told>>) -> BTreeMap<String, Seen<Vec<DeprecatedUse>>> {
    told.into_iter().map(|(endpoint, told)| (endpoint, told.map(|t| t.deprecated))).collect()
}

async fn page(servers: &dyn Servers, endpoint: &str) -> Seen<Told> {
    let client = servers.at(endpoint)?;
    let request = Request::get("/metrics").header("accept", "text/plain").body(Body::empty());
    let request = request.map_err(|e| e.to_string())?;
    let response = client.send(request).await.map_err(|e| super::super::api::causes(&e))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("its /metrics answered {status}; does podlift's identity have its roles?"));
    }
    let mut body = response.into_body();
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| super::super::api::causes(&e))?;
        if let Ok(bytes) = frame.into_data() {
            lines.take(&bytes);
        }
    }
    Ok(lines.end())
}

/// Splits the stream into lines, and drops the rest of a line that is too long.
#[derive(Default)]
struct Lines {
    told: Told,
    rest: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            if self.rest.len() + part.len() <= LINE {
                self.rest.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                self.line();
            }
        }
    }

    fn line(&mut self) {
        if let Ok(line) = std::str::from_utf8(&self.rest) {
            self.told.line(line.trim_end());
        }
        self.rest.clear();
    }

    fn end(mut self) -> Told {
        self.line();
        self.told
    }
}

impl Told {
    fn line(&mut self, line: &str) {
        if let Some((labels, value)) = line.strip_prefix(DEPRECATED).and_then(series) {
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            if value > 0.0 {
                self.deprecated.push(DeprecatedUse {
                    group: label("group"),
                    version: label("version"),
                    resource: resource(label("resource"), &label("subresource")),
                    removed_release: label("removed_release"),
                });
            }
        } else if let Some((mut labels, value)) =
            OBJECTS.iter().find_map(|p| line.strip_prefix(p)).and_then(series)
        {
            // A server that could not count reports -1.
            let name = object_name(labels.remove("resource"), labels.remove("group"));
            if let Some(name) = name.filter(|_| value >= 0.0) {
                self.objects.insert(name, value as u32);
            }
        }
    }
}

fn resource(resource: String, subresource: &str) -> String {
    if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") }
}

/// Servers from 1.34 on report the group separately.
fn object_name(resource: Option<String>, group: Option<String>) -> Option<String> {
    match group.filter(|g| !g.is_empty()) {
        Some(group) => resource.map(|r| format!("{r}.{group}")),
        None => resource,
    }
}

/// Parses `name="value",…} 1` of the text format, from behind its opening brace.
fn series(text: &str) -> Option<(BTreeMap<String, String>, f64)> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(value) = rest.strip_prefix('}') {
            let value = value.split_whitespace().next()?.parse().ok()?;
            return Some((labels, value));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, after) = unquote(quoted)?;
        labels.insert(name.trim().to_string(), value);
        rest = after;
    }
}

/// The text up to the closing quote, and what follows the quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}
