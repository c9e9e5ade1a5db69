//! Two answers compared. What differs from cluster to cluster is bound: a recorded uid, version, drawn name or address stands for one of
//! ours, the same one from then on, also in later requests.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Recorded to ours.
    bound: BTreeMap<String, String>,
}

/// Who sent the recorded requests: without a User-Agent, and once as an applier.
const SENDERS: &[&str] = &["unknown", "podlab"];

impl Known {
    pub fn rewrite(&self, v: &Value) -> Value {
        match v {
            Value::String(s) => json!(self.bound.get(s).unwrap_or(s)),
            Value::Number(n) => self
                .bound
                .get(&format!("#{n}"))
                .map_or_else(|| v.clone(), |to| json!(to[1..].parse::<u64>().unwrap())),
            Value::Array(list) => list.iter().map(|v| self.rewrite(v)).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(k, v)| (k.clone(), self.rewrite(v))).collect::<Map<_, _>>())
            }
            v => v.clone(),
        }
    }

    pub fn rewrite_path(&self, path: &str) -> String {
        let word = |w: &str| self.bound.get(w).cloned().unwrap_or_else(|| w.to_string());
        let mut out = String::new();
        let mut rest = path;
        while let Some(at) = rest.find(['/', '?', '&', '=']) {
            out += &word(&rest[..at]);
            out.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        out + &word(rest)
    }

    /// What differs, by path.
    pub fn compare(&mut self, recorded: &Value, ours: &Value) -> Vec<String> {
        let mut out = vec![];
        self.value("", &forget(recorded), &forget(ours), &mut out);
        out
    }

    fn value(&mut self, path: &str, recorded: &Value, ours: &Value, out: &mut Vec<String>) {
        match (recorded, ours) {
            (Value::Object(a), Value::Object(b)) => {
                for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                    let path = format!("{path}/{key}");
                    match (a.get(key), b.get(key)) {
                        (Some(x), Some(y)) => self.value(&path, x, y, out),
                        (Some(x), None) => out.push(format!("{path}: missing {x}")),
                        (_, y) => out.push(format!("{path}: too much {}", y.unwrap_or(&Value::Null))),
                    }
                }
            }
            (Value::Array(a), Value::Array(b)) if path.ends_with("/items") => self.items(path, a, b, out),
            (Value::Array(a), Value::Array(b)) => {
                if a.len() != b.len() {
                    out.push(format!(
                        "{path}: {} entries, ours {}: {} ours {}",
                        a.len(),
                        b.len(),
                        json!(a),
                        json!(b)
                    ));
                }
                for (i, (x, y)) in a.iter().zip(b).enumerate() {
                    self.value(&format!("{path}/{i}"), x, y, out);
                }
            }
            (a, b) if a == b => {}
            (a, b) if self.bind(path, a, b) => {}
            (a, b) => out.push(format!("{path}: {a} ours {b}")),
        }
    }

    /// Objects of a list in any order where names are drawn: each recorded one has its own of ours.
    fn items(&mut self, path: &str, recorded: &[Value], ours: &[Value], out: &mut Vec<String>) {
        if recorded.len() != ours.len() {
            let names = |l: &[Value]| {
                l.iter().map(|v| v["metadata"]["name"].to_string()).collect::<Vec<_>>().join(" ")
            };
            out.push(format!("{path}: {} ours {}", names(recorded), names(ours)));
        }
        let mut left: Vec<&Value> = ours.iter().collect();
        for (i, item) in recorded.iter().enumerate() {
            let tries: Vec<(Known, Vec<String>)> = left
                .iter()
                .map(|o| {
                    let (mut known, mut diff) = (self.clone(), vec![]);
                    known.value(&format!("{path}/{i}"), item, o, &mut diff);
                    (known, diff)
                })
                .collect();
            let Some((best, _)) = tries.iter().enumerate().min_by_key(|(_, (_, d))| d.len()) else { return };
            let (known, diff) = tries.into_iter().nth(best).unwrap();
            *self = known;
            out.extend(diff);
            left.remove(best);
        }
    }

    /// Whether two values may differ here, and do so in the same way as before.
    fn bind(&mut self, path: &str, recorded: &Value, ours: &Value) -> bool {
        let field = path.rsplit('/').find(|p| p.parse::<usize>().is_err()).unwrap_or_default();
        match (recorded, ours) {
            (Value::Number(a), Value::Number(b)) => {
                field == "nodePort" && self.same(format!("#{a}"), format!("#{b}"))
            }
            (Value::String(a), Value::String(b)) => self.texts(field, a, b),
            _ => false,
        }
    }

    fn texts(&mut self, field: &str, a: &str, b: &str) -> bool {
        let time = |t: &str| t.parse::<jiff::Timestamp>().is_ok();
        let certificate = |t: &str| !t.is_empty();
        match field {
            _ if time(a) && time(b) => true,
            "uid" | "resourceVersion" | "continue" | "clusterIP" | "clusterIPs" | "podIP" | "ip"
            | "containerID" | "imageID" => a.is_empty() == b.is_empty() && self.same(a.into(), b.into()),
            "ca.crt" => certificate(a) && certificate(b),
            "name" | "generateName" | "pod-template-hash" | "controller-revision-hash" => {
                drawn(a) == drawn(b) && a.len() == b.len() && self.same(a.into(), b.into())
            }
            "message" => self.replaced(a) == plain(b),
            _ => false,
        }
    }

    fn same(&mut self, recorded: String, ours: String) -> bool {
        self.bound.entry(recorded).or_insert_with(|| ours.clone()) == &ours
    }

    /// A message with everything bound in it put in.
    fn replaced(&self, text: &str) -> String {
        let mut words: Vec<_> = self.bound.iter().filter(|(k, _)| k.len() > 6).collect();
        words.sort_by_key(|(k, _)| std::cmp::Reverse(k.len()));
        plain(&words.iter().fold(text.to_string(), |t, (from, to)| t.replace(*from, to)))
    }
}

/// The oldest version that a server knows, in parentheses, is its own.
fn plain(text: &str) -> String {
    match text.strip_prefix("too old resource version: ").and_then(|t| t.split_once(" (")) {
        Some((wanted, _)) => format!("too old resource version: {wanted} (…)"),
        None => text.into(),
    }
}

/// A name with its drawn parts blotted out: a hash of nine or ten letters, or a suffix of five.
fn drawn(name: &str) -> String {
    let letters = |w: &str| w.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c));
    let blot = |w: &str| {
        if letters(w) && (w.len() == 5 || w.len() >= 8) { "*".repeat(w.len()) } else { w.to_string() }
    };
    name.split('-').map(blot).collect::<Vec<_>>().join("-")
}

/// Takes out what is not compared anywhere: managedFields but for what the recorded sender owns, and one projected source that the
/// recorded distribution adds to upstream's.
fn forget(v: &Value) -> Value {
    match v {
        Value::Array(list) => {
            let upstream = |v: &&Value| v["configMap"]["name"] != "openshift-service-ca.crt";
            list.iter().filter(upstream).map(forget).collect()
        }
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                if key == "managedFields" {
                    let own = value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter(|e| SENDERS.iter().any(|s| e["manager"] == *s));
                    let own: Vec<Value> = own.cloned().collect();
                    if !own.is_empty() {
                        out.insert(key.clone(), json!(own));
                    }
                } else {
                    out.insert(key.clone(), forget(value));
                }
            }
            Value::Object(out)
        }
        v => v.clone(),
    }
}
