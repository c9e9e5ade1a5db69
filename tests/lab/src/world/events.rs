//! Events of the API: one that is repeated is counted, as client-go's recorder does it, and at most once in a minute.

use super::cast;
use super::state::State;
use crate::objects::{Key, names, seconds};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The least time between two counts of one event.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// What a component says of an object.
pub struct Said<'a> {
    pub warning: bool,
    pub reason: &'a str,
    pub message: &'a str,
    pub component: &'a str,
}

/// Notes it in the namespace of the object; `default` for an object without one.
pub fn note(s: &mut State, about: &Value, said: &Said<'_>, now: Timestamp) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let meta = &about["metadata"];
    let namespace = meta["namespace"].as_str().unwrap_or("default").to_string();
    let id = format!("{}{}{}{}", meta["uid"], said.reason, said.message, said.component);
    let name = format!("{}.{}", text(&meta["name"]), names::suffix(&id, 16));
    let key = Key::new("", "events", &namespace, &name);
    let at = json!(seconds(now));
    if let Some(known) = s.api.get(&key) {
        let last = known["lastTimestamp"].as_str().and_then(|t| t.parse::<Timestamp>().ok());
        if last.is_none_or(|last| now.duration_since(last) >= AGAIN) {
            s.api.change(&key, |v| {
                v["count"] = json!(v["count"].as_u64().unwrap_or(1) + 1);
                v["lastTimestamp"] = at;
            });
        }
        return;
    }
    let mut v = cast::object("v1", "Event", &namespace, &name, json!({}), now);
    v["involvedObject"] = json!({"kind": about["kind"], "apiVersion": about["apiVersion"], "name": meta["name"],
        "uid": meta["uid"], "resourceVersion": meta["resourceVersion"]});
    if meta["namespace"].is_string() {
        v["involvedObject"]["namespace"] = meta["namespace"].clone();
    }
    v["type"] = json!(if said.warning { "Warning" } else { "Normal" });
    (v["reason"], v["message"]) = (json!(said.reason), json!(said.message));
    v["source"] = json!({"component": said.component});
    (v["reportingComponent"], v["reportingInstance"]) = (json!(said.component), json!(""));
    (v["firstTimestamp"], v["lastTimestamp"], v["eventTime"]) = (at.clone(), at, Value::Null);
    v["count"] = json!(1);
    s.api.put(key, v);
}
