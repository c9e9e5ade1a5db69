//! The recording of a real kube-apiserver v1.32.13, replayed against the double: the same requests in their order, each answer compared
//! after what no two clusters share is taken out (uids, versions, times, drawn names, addresses). What is not compared says why.
#![allow(clippy::unwrap_used)] // a test may panic

mod before;
mod compare;

use bytes::Bytes;
use compare::Known;
use http::Request;
use http_body_util::BodyExt as _;
use podlift_lab::api::{Caller, handle};
use podlift_lab::{Shape, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const RECORDING: &str = include_str!("../../../fixtures/kube-api/transcript.json");

/// Exchanges that can't be compared as they were recorded.
const NOT_COMPARED: &[(&str, &str)] = &[(
    "configmap create",
    "the recorder changed the answer in memory before it was written: data.k is 2 where 1 was sent",
)];

/// After these no controller had time to act before the next request.
const AT_ONCE: &[&str] =
    &["ns", "evict allowed", "evict missing pod", "delete with uid precondition mismatch"];

struct Replay {
    world: Arc<World>,
    known: Known,
}

impl Replay {
    async fn send(&self, caller: Caller, request: &Value) -> Value {
        let path = self.known.rewrite_path(request["path"].as_str().unwrap());
        let mut build = Request::builder().method(request["method"].as_str().unwrap()).uri(path);
        if let Some(kind) = request["contentType"].as_str() {
            build = build.header("content-type", kind);
        }
        let body = match &request["body"] {
            Value::Null => Bytes::new(),
            body => Bytes::from(self.known.rewrite(body).to_string()),
        };
        let reply = handle(&self.world, "runai-01", &caller, build.body(body).unwrap()).await.unwrap();
        let header = |name: &str| reply.headers().get(name).map(|v| json!(v.to_str().unwrap()));
        let (status, kind, warning) = (reply.status().as_u16(), header("content-type"), header("warning"));
        let bytes = reply.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = match serde_json::from_str(&text) {
            Ok(v) if !request["path"].as_str().unwrap().contains("watch=true") => v,
            _ if request["path"].as_str().unwrap().contains("watch=true") => {
                json!({"watch": text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>()})
            }
            _ => json!({"text": text}),
        };
        let mut headers = json!({"content-type": kind});
        if let Some(warning) = warning {
            headers["warning"] = warning;
        }
        json!({"status": status, "headers": headers, "body": body})
    }

    /// What was done in between and not recorded.
    async fn ours(&self, method: &str, path: &str, content: &str, body: Value) {
        let request = json!({"method": method, "path": path, "contentType": content, "body": body});
        let answer = self.send(Caller(Some("podlift".into())), &request).await;
        assert!(answer["status"].as_u64().unwrap() < 300, "{path}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_recording_is_answered_alike() {
    let recording: Vec<Value> = serde_json::from_str(RECORDING).unwrap();
    let exchanges: Vec<&Value> = recording.iter().filter(|e| e["request"].is_object()).collect();
    assert_eq!(exchanges.len(), 51);
    let world = crate::common::world(Shape { inference: (0, 0), ..crate::common::recorded() });
    before::cluster(&world, &recording);
    // Until every controller has caught up.
    tokio::time::sleep(Duration::from_secs(180)).await;
    let mut replay = Replay { world, known: Known::default() };
    let (mut rows, mut compared, mut wrong) = (vec![], 0, vec![]);
    for (i, e) in exchanges.iter().enumerate() {
        let name = e["name"].as_str().unwrap();
        before::step(&replay, name).await;
        let request = before::request(name, &e["request"]);
        let caller = Caller((!name.starts_with("anonymous")).then(|| "podlift".to_string()));
        let answer = replay.send(caller, &request).await;
        let differences = replay.known.compare(&e["response"], &answer);
        let reason = NOT_COMPARED.iter().find(|(n, _)| *n == name).map(|(_, why)| *why);
        rows.push(match (reason, differences.is_empty()) {
            (Some(why), _) => format!("{i:>3}  not compared  {name}: {why}"),
            (None, true) => format!("{i:>3}  alike         {name}"),
            (None, false) => format!("{i:>3}  DIFFERS       {name}"),
        });
        compared += usize::from(reason.is_none());
        if reason.is_none() && !differences.is_empty() {
            wrong.push(format!("{i} {name}:\n    {}", differences.join("\n    ")));
        }
        if !AT_ONCE.contains(&name) {
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
    }
    println!("{}\n{compared} of {} exchanges compared", rows.join("\n"), exchanges.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 45, "only {compared} compared");
}
