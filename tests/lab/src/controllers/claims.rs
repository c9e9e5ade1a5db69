//! Volumes for claims: a class that provisions gives one at once, or as soon as a pod uses the claim.

use crate::objects::{Key, names};
use crate::world::events::{self, Said};
use crate::world::{State, cast};
use jiff::Timestamp;
use serde_json::{Value, json};

const CLAIMS: &str = "persistentvolumeclaims";
const VOLUMES: &str = "persistentvolumes";
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
/// Of classes whose volumes an administrator makes.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// Binds what can be bound, and removes the volumes of claims that are gone.
pub fn keep(s: &mut State, now: Timestamp) {
    let open = s.api.of("", CLAIMS).filter(|(_, v)| v["status"]["phase"] != "Bound");
    for (key, claim) in open.map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>() {
        match provisioner(s, &key, &claim) {
            Ok(()) => bind(s, &key, &claim, now),
            Err((reason, why)) => {
                let warning = reason == "ProvisioningFailed";
                let said = Said { warning, reason, message: &why, component: "persistentvolume-controller" };
                events::note(s, &claim, &said, now);
            }
        }
    }
    let is_lost = |v: &Value| v["spec"]["claimRef"]["uid"].as_str().is_some_and(|uid| !s.api.has_uid(uid));
    let lost: Vec<Key> = s.api.of("", VOLUMES).filter(|(_, v)| is_lost(v)).map(|(k, _)| k.clone()).collect();
    lost.iter().for_each(|key| drop(s.api.delete(key)));
}

/// All claims that a pod uses have their volume.
pub fn are_bound(s: &State, pod: &Value) -> bool {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    names_of(pod).all(|name| {
        let claim = s.api.get(&Key::new("", CLAIMS, namespace, name));
        claim.is_some_and(|v| v["status"]["phase"] == "Bound")
    })
}

fn names_of(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.filter_map(|v| v["persistentVolumeClaim"]["claimName"].as_str())
}

/// Reason and message of the event that says why a claim waits.
fn provisioner(s: &State, key: &Key, claim: &Value) -> Result<(), (&'static str, String)> {
    let failed = |why: String| ("ProvisioningFailed", why);
    let is_default = |v: &Value| v["metadata"]["annotations"][DEFAULT] == "true";
    let mut classes = s.api.of("storage.k8s.io", "storageclasses");
    let class = match claim["spec"]["storageClassName"].as_str() {
        Some(name) => {
            let found = classes.find(|(k, _)| k.name == name);
            found.ok_or_else(|| failed(format!("storageclass.storage.k8s.io \"{name}\" not found")))?
        }
        None => {
            let why = "no persistent volumes available for this claim and no storage class is set";
            classes.find(|(_, v)| is_default(v)).ok_or(("FailedBinding", why.into()))?
        }
    };
    let uses = |(_, pod): (&Key, &Value)| names_of(pod).any(|name| name == key.name);
    if class.1["volumeBindingMode"] == "WaitForFirstConsumer" && !s.api.pods_in(&key.namespace).any(uses) {
        return Err((
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding".into(),
        ));
    }
    match class.1["provisioner"] == NO_PROVISIONER {
        true => Err(failed(format!("no volume plugin matched name: {NO_PROVISIONER}"))),
        false => Ok(()),
    }
}

fn bind(s: &mut State, key: &Key, claim: &Value, now: Timestamp) {
    let uid = claim["metadata"]["uid"].as_str().unwrap_or_default();
    let name = format!("pvc-{}", names::uid(uid));
    let mut volume = cast::object("v1", "PersistentVolume", "", &name, json!({}), now);
    let size = claim["spec"]["resources"]["requests"]["storage"].clone();
    volume["spec"] = json!({"capacity": {"storage": size}, "accessModes": claim["spec"]["accessModes"],
        "storageClassName": claim["spec"]["storageClassName"], "persistentVolumeReclaimPolicy": "Delete",
        "claimRef": {"kind": "PersistentVolumeClaim", "namespace": key.namespace, "name": key.name, "uid": uid}});
    volume["status"] = json!({"phase": "Bound"});
    s.api.put(Key::new("", VOLUMES, "", &name), volume);
    s.api.change(key, |v| {
        v["spec"]["volumeName"] = json!(name);
        v["status"] =
            json!({"phase": "Bound", "capacity": {"storage": size}, "accessModes": v["spec"]["accessModes"]});
    });
}
