//! The memory of the sentinel: copies of the services and TLS secrets of the record, as the watch showed them last, and which of them are
//! gone. A secret is wiped when its copy is replaced or the coordinator ends; an encrypted copy on this host survives a crash.

use super::stored::Stored;
use crate::cluster::{Change, Followed, SecretCopy, wipe};
use jiff::Timestamp;
use podlift_engine::issues::{Mend, Writer, WriterSource, raw};
use podlift_model::RunId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Namespace and name.
pub(crate) type Name = (String, String);

#[derive(Default)]
pub(crate) struct Keeper {
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    services: BTreeMap<Name, Value>,
    secrets: BTreeMap<Name, SecretCopy>,
    /// The open run. What is made anew in it does not replace the copy of what it began with.
    run: Option<RunId>,
    /// Of the objects of the copies, as far as the run has seen them.
    uids: BTreeMap<Mend, String>,
    disk: Option<Stored>,
    /// What is gone and was reported as such.
    gone: BTreeSet<Mend>,
}

/// What a change means for an object of the record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    Lost { mend: Mend, by: Option<Writer> },
    Back(Mend),
}

impl Keeper {
    /// Without a directory, or where it can't be used, secrets are kept in memory alone.
    pub fn new(copies: Option<&Path>) -> Self {
        let memory = Memory { disk: copies.and_then(Stored::open), ..Memory::default() };
        Self { memory: Mutex::new(memory) }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn service(&self, namespace: &str, name: &str) -> Option<Value> {
        self.lock().services.get(&(namespace.to_string(), name.to_string())).cloned()
    }

    pub fn secret(&self, namespace: &str, name: &str) -> Option<SecretCopy> {
        let (memory, name) = (self.lock(), (namespace.to_string(), name.to_string()));
        memory.secrets.get(&name).cloned().or_else(|| memory.stored(&name))
    }

    /// What is still gone is noticed again, for another record to compare with.
    pub(super) fn begin(&self, run: Option<&RunId>) {
        let mut memory = self.lock();
        memory.gone.clear();
        if memory.run.as_ref() != run {
            memory.run = run.cloned();
            memory.uids.clear();
        }
    }

    /// What is gone.
    pub(super) fn gone(&self) -> BTreeSet<Mend> {
        self.lock().gone.clone()
    }

    /// Takes a change up. `services` are those of the record.
    pub(super) fn hear(&self, what: &Followed, services: &BTreeSet<Name>, change: Change) -> Vec<Heard> {
        let mut memory = self.lock();
        match (change, what) {
            (Change::All(all), _) => {
                let there: BTreeSet<Name> = all.iter().filter_map(name_of).collect();
                let mut heard: Vec<Heard> =
                    all.into_iter().filter_map(|object| memory.put(what, services, object)).collect();
                for mend in mends(what, services) {
                    let name = name_in(&mend).unwrap_or_default();
                    // An ingress may name a secret that never existed; a service is in the record because it did.
                    let known = matches!(mend, Mend::RestoreService { .. }) || memory.has_secret(&name);
                    if known && !there.contains(&name) {
                        heard.extend(memory.lose(mend, None));
                    }
                }
                heard
            }
            (Change::Put(object), _) => memory.put(what, services, object).into_iter().collect(),
            (Change::Gone(mut object), _) => {
                let by = last_writer(&object);
                let lost = name_of(&object).and_then(|name| memory.wanted(what, services, name));
                if matches!(what, Followed::Secret { .. }) {
                    wipe(&mut object);
                }
                lost.and_then(|mend| memory.lose(mend, by)).into_iter().collect()
            }
        }
    }
}

impl Memory {
    /// `None` if the object is not of the record.
    fn wanted(&self, what: &Followed, services: &BTreeSet<Name>, name: Name) -> Option<Mend> {
        match what {
            Followed::Services if services.contains(&name) => Some(service(name)),
            Followed::Services => None,
            Followed::Secret { namespace, name: own } => {
                (*namespace == name.0 && *own == name.1).then(|| secret(name))
            }
        }
    }

    fn put(&mut self, what: &Followed, services: &BTreeSet<Name>, mut object: Value) -> Option<Heard> {
        let name = name_of(&object)?;
        let mend = self.wanted(what, services, name.clone())?;
        // What is being deleted may still be restored from the copy before.
        let deleting = object["metadata"]["deletionTimestamp"].is_string();
        let uid = object["metadata"]["uid"].as_str().map(String::from);
        let anew = self.is_anew(&mend, &name, uid.as_ref());
        if anew {
            // It stays another object than that of the copy.
            self.uids.entry(mend.clone()).or_default();
        } else if let Some(uid) = uid {
            self.see(&mend, &name, uid);
        }
        match what {
            Followed::Services if anew || deleting || object["spec"]["type"] != "LoadBalancer" => {}
            Followed::Services => drop(self.services.insert(name, object)),
            Followed::Secret { .. } => {
                if !anew && let Ok(mut cleaned) = raw::cleaned_secret(&object) {
                    if let Some(copy) = SecretCopy::of(&cleaned) {
                        self.disk.iter().for_each(|disk| disk.keep(&name, &copy));
                        self.secrets.insert(name, copy);
                    }
                    wipe(&mut cleaned);
                }
                wipe(&mut object);
            }
        }
        self.gone.remove(&mend).then_some(Heard::Back(mend))
    }

    /// Whether the object was made in the open run in the place of one of which there is a copy.
    fn is_anew(&self, mend: &Mend, name: &Name, uid: Option<&String>) -> bool {
        let has_copy = match mend {
            Mend::RestoreService { .. } => self.services.contains_key(name),
            _ => self.has_secret(name),
        };
        let Some(run) = self.run.as_ref().filter(|_| has_copy) else { return false };
        let seen = self.uids.get(mend).cloned().or_else(|| self.disk_of(mend)?.seen(run, name));
        match seen {
            Some(first) => uid != Some(&first),
            None => self.gone.contains(mend),
        }
    }

    /// The object of the copy.
    fn see(&mut self, mend: &Mend, name: &Name, uid: String) {
        if self.uids.get(mend) == Some(&uid) {
            return;
        }
        if let (Some(run), Some(disk)) = (&self.run, self.disk_of(mend)) {
            disk.saw(run, name, &uid);
        }
        self.uids.insert(mend.clone(), uid);
    }

    /// Secrets alone are kept there.
    fn disk_of(&self, mend: &Mend) -> Option<&Stored> {
        self.disk.as_ref().filter(|_| matches!(mend, Mend::RestoreSecret { .. }))
    }

    fn has_secret(&self, name: &Name) -> bool {
        self.secrets.contains_key(name) || self.stored(name).is_some()
    }

    /// What a coordinator before this one kept.
    fn stored(&self, name: &Name) -> Option<SecretCopy> {
        self.disk.as_ref()?.copy(name)
    }

    fn lose(&mut self, mend: Mend, by: Option<Writer>) -> Option<Heard> {
        self.gone.insert(mend.clone()).then_some(Heard::Lost { mend, by })
    }
}

fn service((namespace, name): Name) -> Mend {
    Mend::RestoreService { namespace, name }
}

fn secret((namespace, name): Name) -> Mend {
    Mend::RestoreSecret { namespace, name }
}

fn mends(what: &Followed, services: &BTreeSet<Name>) -> Vec<Mend> {
    match what {
        Followed::Services => services.iter().cloned().map(service).collect(),
        Followed::Secret { namespace, name } => vec![secret((namespace.clone(), name.clone()))],
    }
}

fn name_in(mend: &Mend) -> Option<Name> {
    match mend {
        Mend::RestoreService { namespace, name } | Mend::RestoreSecret { namespace, name } => {
            Some((namespace.clone(), name.clone()))
        }
        _ => None,
    }
}

fn name_of(object: &Value) -> Option<Name> {
    let text = |key: &str| object["metadata"][key].as_str().map(String::from);
    Some((text("namespace")?, text("name")?))
}

/// The last writer of the object itself, by its managed fields. It need not be who deleted it.
fn last_writer(object: &Value) -> Option<Writer> {
    let fields = object["metadata"]["managedFields"].as_array()?;
    let own = fields.iter().filter(|f| f["subresource"].as_str().is_none_or(str::is_empty));
    let timed =
        own.filter_map(|f| Some((f["time"].as_str()?.parse::<Timestamp>().ok(), f["manager"].as_str()?)));
    let (at, name) = timed.max()?;
    Some(Writer { name: name.into(), at, source: WriterSource::ManagedFields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, name: &str) -> Value {
        json!({"kind": kind, "apiVersion": "v1", "metadata": {"namespace": "runai", "name": name, "managedFields": [
                {"manager": "helm", "time": "2026-11-20T00:00:00Z"},
                {"manager": "cmd", "time": "2026-11-21T00:00:00Z"},
                {"manager": "speaker", "time": "2026-11-22T00:00:00Z", "subresource": "status"}]},
            "type": "kubernetes.io/tls", "spec": {"type": "LoadBalancer"}, "data": {"tls.crt": "Yw==", "tls.key": "aw=="}})
    }

    fn of_record() -> BTreeSet<Name> {
        BTreeSet::from([("runai".to_string(), "proxy".to_string())])
    }

    fn proxy() -> Mend {
        service(("runai".into(), "proxy".into()))
    }

    #[test]
    fn a_service_of_the_record_is_lost_once_and_its_last_copy_stays() {
        let (keeper, record) = (Keeper::default(), of_record());
        let hear = |change| keeper.hear(&Followed::Services, &record, change);
        assert_eq!(hear(Change::All(vec![object("Service", "proxy"), object("Service", "other")])), []);
        assert_eq!(hear(Change::Gone(object("Service", "other"))), [], "it is not of the record");
        let by = Some(Writer {
            name: "cmd".into(),
            at: "2026-11-21T00:00:00Z".parse().ok(),
            source: WriterSource::ManagedFields,
        });
        assert_eq!(hear(Change::Gone(object("Service", "proxy"))), [Heard::Lost { mend: proxy(), by }]);
        assert_eq!(hear(Change::All(vec![])), [], "it is known");
        assert!(keeper.service("runai", "proxy").is_some());
        assert_eq!(hear(Change::Put(object("Service", "proxy"))), [Heard::Back(proxy())]);
        assert_eq!(hear(Change::Put(object("Service", "proxy"))), []);
    }

    #[test]
    fn in_an_open_run_what_is_made_anew_does_not_replace_the_copy() {
        let keeper = Keeper::default();
        let what = Followed::Secret { namespace: "runai".into(), name: "ui-tls".into() };
        let put = |uid: &str, crt: &str| {
            let mut secret = object("Secret", "ui-tls");
            (secret["metadata"]["uid"], secret["data"]["tls.crt"]) = (json!(uid), json!(crt));
            keeper.hear(&what, &BTreeSet::new(), Change::Put(secret));
            let copy = keeper.secret("runai", "ui-tls").unwrap();
            let copy: Value = serde_json::from_slice(copy.json()).unwrap();
            copy["data"]["tls.crt"].as_str().unwrap().to_string()
        };
        let run = RunId::new("r1").unwrap();
        assert_eq!(put("u0", "YQ=="), "YQ==");
        keeper.begin(Some(&run));
        assert_eq!(put("u1", "Yg=="), "Yg==", "what the run has found first");
        assert_eq!(put("u1", "Yw=="), "Yw==", "a renewal in its place");
        assert_eq!(put("u2", "ZA=="), "Yw==");
        keeper.begin(Some(&run));
        assert_eq!(put("u2", "ZA=="), "Yw==", "the same run");
        keeper.begin(None);
        assert_eq!(put("u2", "ZA=="), "ZA==");
        keeper.begin(Some(&run));
        keeper.hear(&what, &BTreeSet::new(), Change::All(vec![]));
        for _ in 0..2 {
            assert_eq!(put("u3", "ZQ=="), "ZA==", "it was gone when the run began");
        }
    }

    #[test]
    fn what_is_missing_from_a_list_is_lost() {
        let (keeper, record) = (Keeper::default(), of_record());
        let heard = keeper.hear(&Followed::Services, &record, Change::All(vec![]));
        assert_eq!(heard, [Heard::Lost { mend: proxy(), by: None }]);
        assert!(keeper.service("runai", "proxy").is_none(), "it was never seen");
    }

    #[test]
    fn the_next_coordinator_of_this_host_has_the_copy_of_a_secret() {
        let dir = tempfile::tempdir().unwrap();
        let what = Followed::Secret { namespace: "runai".into(), name: "ui-tls".into() };
        let keeper = Keeper::new(Some(dir.path()));
        keeper.hear(&what, &BTreeSet::new(), Change::Put(object("Secret", "ui-tls")));
        let next = Keeper::new(Some(dir.path()));
        let copy: Value = serde_json::from_slice(next.secret("runai", "ui-tls").unwrap().json()).unwrap();
        assert_eq!(copy["data"]["tls.key"], json!("aw=="));
        assert!(next.secret("runai", "other").is_none());
        let lost = Mend::RestoreSecret { namespace: "runai".into(), name: "ui-tls".into() };
        let heard = next.hear(&what, &BTreeSet::new(), Change::All(vec![]));
        assert_eq!(heard, [Heard::Lost { mend: lost, by: None }], "it went while no coordinator was there");
    }

    #[test]
    fn what_is_made_anew_while_the_coordinator_is_away_does_not_replace_the_copy_of_the_open_run() {
        let dir = tempfile::tempdir().unwrap();
        let what = Followed::Secret { namespace: "runai".into(), name: "ui-tls".into() };
        let (run, next) = (RunId::new("r1").unwrap(), RunId::new("r2").unwrap());
        // A coordinator that starts, with the run that is open, and sees this secret.
        let started = |run: Option<&RunId>, uid: &str, crt: &str| {
            let keeper = Keeper::new(Some(dir.path()));
            keeper.begin(run);
            let mut secret = object("Secret", "ui-tls");
            (secret["metadata"]["uid"], secret["data"]["tls.crt"]) = (json!(uid), json!(crt));
            keeper.hear(&what, &BTreeSet::new(), Change::All(vec![secret]));
            let copy: Value =
                serde_json::from_slice(keeper.secret("runai", "ui-tls").unwrap().json()).unwrap();
            copy["data"]["tls.crt"].as_str().unwrap().to_string()
        };
        assert_eq!(started(None, "u0", "YQ=="), "YQ==");
        assert_eq!(started(Some(&run), "u1", "Yg=="), "Yg==", "what the run has found first");
        assert_eq!(started(Some(&run), "u1", "Yw=="), "Yw==", "a renewal in its place");
        for _ in 0..2 {
            assert_eq!(started(Some(&run), "u2", "ZA=="), "Yw==");
        }
        assert_eq!(started(Some(&next), "u2", "ZA=="), "ZA==", "another run begins with it");
        assert_eq!(started(None, "u3", "ZQ=="), "ZQ==");
    }

    #[test]
    fn a_secret_is_kept_cleaned_and_only_the_one_that_is_followed() {
        let keeper = Keeper::default();
        let what = Followed::Secret { namespace: "runai".into(), name: "ui-tls".into() };
        let hear = |change| keeper.hear(&what, &BTreeSet::new(), change);
        assert_eq!(hear(Change::All(vec![object("Secret", "ui-tls"), object("Secret", "other")])), []);
        assert!(keeper.secret("runai", "other").is_none());
        let copy: Value = serde_json::from_slice(keeper.secret("runai", "ui-tls").unwrap().json()).unwrap();
        assert_eq!((&copy["data"]["tls.key"], copy["metadata"].get("managedFields")), (&json!("aw=="), None));
        let [Heard::Lost { mend, .. }] = &hear(Change::Gone(object("Secret", "ui-tls")))[..] else {
            panic!("lost")
        };
        assert_eq!(*mend, secret(("runai".into(), "ui-tls".into())));
        assert!(keeper.secret("runai", "ui-tls").is_some());
        let other = Followed::Secret { namespace: "runai".into(), name: "never".into() };
        assert_eq!(
            keeper.hear(&other, &BTreeSet::new(), Change::All(vec![])),
            [],
            "it may never have existed"
        );
    }
}
