//! Objects that somebody takes away during a run, with as much of a trace as the deleter leaves.

use super::certificates;
use super::core::World;
use super::events::{self, Said};
use super::site;
use crate::objects::Key;
use crate::objects::fields::{self, Writer};
use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How much of the deleter is left to be seen.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The manager that changed the object just before it deleted it; the API keeps no writer of a deletion.
    pub by: Option<String>,
    /// A controller says it in an event.
    pub event: bool,
}

impl World {
    /// Deletes an object; false if there is none.
    pub fn lose(&self, key: &Key, trace: &Trace) -> bool {
        let now = self.clock.now();
        self.update(|s| {
            if let Some(by) = &trace.by {
                s.api.change(key, |v| touched(v, by, now));
            }
            let Some(gone) = s.api.delete(key) else { return false };
            if trace.event {
                let component = trace.by.as_deref().unwrap_or("service-controller");
                let message = format!("Deleted {}", key.name);
                let said = Said { warning: false, reason: "Deleted", message: &message, component };
                events::note(s, &gone, &said, now);
            }
            true
        })
    }

    /// A person makes a TLS secret that has another certificate than before, good for so many days.
    pub fn new_tls_secret(&self, namespace: &str, name: &str, host: &str, days: i64) {
        let now = self.clock.now();
        let pair = certificates::site(host, now + SignedDuration::from_hours(days * 24));
        let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut v = super::cast::object("v1", "Secret", namespace, name, json!({}), now);
        v["type"] = json!("kubernetes.io/tls");
        v["data"] = json!({"tls.crt": encoded(&pair.certificate), "tls.key": encoded(&pair.key)});
        v["metadata"]["uid"] =
            json!(crate::objects::names::uid(&format!("{namespace}/{name}/by-hand/{now}")));
        fields::updated(&Value::Null, &mut v, &Writer::update("kubectl-create", None), now);
        self.update(|s| site::object(&mut s.api, "", "secrets", v));
    }
}

/// As a reconciler that is about to delete: it marks what it looks after.
fn touched(v: &mut Value, by: &str, now: Timestamp) {
    let before = v.clone();
    v["metadata"]["annotations"]["example.com/reconciled-by"] = json!(by);
    fields::updated(&before, v, &Writer::update(by, None), now);
}
