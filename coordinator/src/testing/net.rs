//! Services and TLS secrets of the small fleet's API: deleted by a test, followed by a watch, created again by podlift.

use crate::cluster::{Change, Followed, SecretCopy};
use podlift_engine::doors::{KeptSecret, SecretView, ServiceView};
use podlift_engine::survey::LoadBalancerView;
use podlift_model::Failure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::broadcast;

type Name = (String, String);

/// `services` or `secrets`.
type Kind = &'static str;

pub struct Net {
    objects: BTreeMap<(Kind, Name), Value>,
    changed: broadcast::Sender<(Kind, Changed)>,
    /// What podlift has created, in order.
    pub created: Vec<String>,
    /// The provider gives this address instead of the one that the service has; `Some(None)` gives none.
    pub gives: Option<Option<String>>,
    /// What the provider says about a service.
    pub said: Option<String>,
    /// The next creations fail with these, each once.
    pub failing: Vec<Failure>,
    /// Creations never answer.
    pub hanging: bool,
}

#[derive(Clone)]
enum Changed {
    Put(Value),
    Gone(Value),
}

impl Default for Net {
    /// The load balancers of the survey.
    fn default() -> Self {
        let survey = podlift_engine::testing::survey::cluster_survey();
        let services = survey.load_balancers.unwrap_or_default();
        let objects = services.iter().map(|s| (("services", (s.namespace.clone(), s.name.clone())), raw(s)));
        Self {
            objects: objects.collect(),
            changed: broadcast::Sender::new(64),
            created: vec![],
            gives: None,
            said: None,
            failing: vec![],
            hanging: false,
        }
    }
}

fn raw(view: &LoadBalancerView) -> Value {
    let ports: Vec<Value> = view.ports.iter().map(|port| json!({"port": port, "nodePort": 30_443})).collect();
    let ingress: Vec<Value> = view.addresses.iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": view.namespace, "name": view.name, "uid": "u1", "resourceVersion": "7",
            "managedFields": [{"manager": "helm", "time": "2026-11-20T00:00:00Z"}]},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.3.4", "selector": {"app": "nginx"}, "ports": ports},
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

pub fn secret(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"namespace": namespace, "name": name, "uid": "u2", "resourceVersion": "8"},
        "data": {"tls.crt": "Y2VydA==", "tls.key": "c2VjcmV0LWtleQ=="},
    })
}

fn name_of(object: &Value) -> Name {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_string();
    (text("namespace"), text("name"))
}

fn kind_of(object: &Value) -> Kind {
    if object["kind"] == "Secret" { "secrets" } else { "services" }
}

impl Net {
    /// A client other than podlift writes the object.
    pub fn put(&mut self, object: Value) {
        let kind = kind_of(&object);
        self.objects.insert((kind, name_of(&object)), object.clone());
        drop(self.changed.send((kind, Changed::Put(object))));
    }

    /// A client other than podlift deletes the object.
    pub fn delete(&mut self, kind: Kind, namespace: &str, name: &str) {
        let key = (kind, (namespace.to_string(), name.to_string()));
        if let Some(object) = self.objects.remove(&key) {
            drop(self.changed.send((kind, Changed::Gone(object))));
        }
    }

    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(kind, (namespace.to_string(), name.to_string())))
    }

    /// Creates an object, as the API does it.
    pub fn create(&mut self, mut object: Value) -> Result<String, Failure> {
        if let Some(failure) = self.failing.pop() {
            return Err(failure);
        }
        let (kind, name) = (kind_of(&object), name_of(&object));
        let shown = format!("{} {}/{}", kind.trim_end_matches('s'), name.0, name.1);
        if self.objects.contains_key(&(kind, name.clone())) {
            return Err(Failure::operator(
                "made-anew",
                format!("{shown} exists again: another client has made it anew"),
            ));
        }
        if kind == "services" {
            let wanted = object["spec"]["loadBalancerIP"].as_str().unwrap_or("10.77.0.90").to_string();
            let given = self.gives.clone().unwrap_or(Some(wanted));
            let ingress: Vec<Value> = given.iter().map(|ip| json!({"ip": ip})).collect();
            object["status"] = json!({"loadBalancer": {"ingress": ingress}});
        }
        self.created.push(shown.clone());
        self.objects.insert((kind, name), object.clone());
        drop(self.changed.send((kind, Changed::Put(object))));
        Ok(format!("{shown} created again"))
    }

    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<ServiceView> {
        let raw = self.get("services", namespace, name)?.clone();
        let ingress = raw["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
        let view = LoadBalancerView {
            namespace: namespace.into(),
            name: name.into(),
            addresses: ingress.filter_map(|i| i["ip"].as_str().map(String::from)).collect(),
            assigned_by: Some("metallb".into()),
            requested: None,
            ports: vec![443],
        };
        Some(ServiceView { view, raw, release: None })
    }

    pub(super) fn secret(&self, namespace: &str, name: &str) -> SecretView {
        let found = self.get("secrets", namespace, name);
        let sha256 = found.and_then(SecretCopy::of).and_then(|copy| copy.certificate());
        SecretView { exists: found.is_some(), sha256, copy: None, kept: KeptSecret::Nowhere }
    }

    /// What a follower gets first, and what it gets from then on.
    pub(super) fn follow(&self, what: &Followed) -> (Change, Following) {
        let (kind, name): (Kind, Option<Name>) = match what {
            Followed::Services => ("services", None),
            Followed::Secret { namespace, name } => ("secrets", Some((namespace.clone(), name.clone()))),
        };
        let mine = |key: &(Kind, Name)| key.0 == kind && name.as_ref().is_none_or(|name| key.1 == *name);
        let all =
            self.objects.iter().filter(|(key, _)| mine(key)).map(|(_, object)| object.clone()).collect();
        (Change::All(all), Following { kind, name, heard: self.changed.subscribe() })
    }
}

pub(super) struct Following {
    kind: Kind,
    name: Option<Name>,
    heard: broadcast::Receiver<(Kind, Changed)>,
}

impl Following {
    /// `None` if the watch broke.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            let (kind, change) = self.heard.recv().await.ok()?;
            let (Changed::Put(object) | Changed::Gone(object)) = &change;
            if kind == self.kind && self.name.as_ref().is_none_or(|name| name_of(object) == *name) {
                return Some(match change {
                    Changed::Put(object) => Change::Put(object),
                    Changed::Gone(object) => Change::Gone(object),
                });
            }
        }
    }
}
