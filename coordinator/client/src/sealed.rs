//! One secret out of a sealed backup, decrypted here with the operator's identity. Neither the identity nor any other secret of the set
//! leaves this process: the coordinator gets the one object that is restored.
#![allow(clippy::disallowed_methods)] // an edge: reads a set and an identity

use crate::error::Error;
use podlift_backup::{Kind, Manifest, Problem};
use podlift_engine::issues::raw::cleaned_secret;
use podlift_model::ClusterName;
use serde_json::Value;
use std::path::Path;
use zeroize::Zeroizing;

/// A decrypted secret.
pub struct Unsealed {
    pub namespace: String,
    pub name: String,
    /// JSON of the object, without what a cluster gives it. Wiped from the memory when it is dropped.
    pub object: Zeroizing<Vec<u8>>,
}

/// Reads secret `namespace/name` of a set. The set must be of this cluster and unchanged since it was sealed.
pub fn unsealed(
    set: &Path,
    identity: &Path,
    cluster: &ClusterName,
    (namespace, name): (&str, &str),
) -> Result<Unsealed, Error> {
    let (manifest, problems) =
        podlift_backup::verify(set, None).map_err(|problem| unusable(set, &problem))?;
    if manifest.cluster != *cluster {
        let why = format!("it is of cluster {}, and the coordinator serves {cluster}", manifest.cluster);
        return Err(Error::usage(
            format!("backup set {} is not used", set.display()),
            why,
            "podlift backup list",
        ));
    }
    let path = member(&manifest).ok_or_else(|| without(set, &manifest))?;
    // Another member that was changed does not make this one wrong, and neither does a copy that others may read.
    let about =
        |problem: &&Problem| !matches!(problem, Problem::Open { .. }) && problem.to_string().contains(path);
    if let Some(problem) = problems.iter().find(about) {
        return Err(unusable(set, problem));
    }
    let sealed = read(&set.join(path))?;
    let list = decrypted(&sealed, identity, set)?;
    let list: Value = serde_json::from_slice(&list)
        .map_err(|e| Error::failed(format!("{path} of set {} can't be read", set.display()), e))?;
    let object = picked(&list, namespace, name).ok_or_else(|| absent(&list, set, (namespace, name)))?;
    let clean = cleaned_secret(object).map_err(|e| {
        Error::failed(format!("secret {namespace}/{name} of set {} is not whole", set.display()), e)
    })?;
    let object = Zeroizing::new(clean.to_string().into_bytes());
    Ok(Unsealed { namespace: namespace.into(), name: name.into(), object })
}

fn member(manifest: &Manifest) -> Option<&str> {
    manifest.members.iter().find(|m| m.kind == Kind::TlsSecrets).map(|m| m.path.as_str())
}

fn without(set: &Path, manifest: &Manifest) -> Error {
    let left = manifest.left_out.iter().find(|left| left.what.kind == Kind::TlsSecrets);
    let why = left.map_or("it lists no TLS secrets".to_string(), |left| left.why.clone());
    Error::failed(format!("backup set {} has no TLS secrets", set.display()), why)
}

fn unusable(set: &Path, problem: &Problem) -> Error {
    let what = format!("backup set {} is not used", set.display());
    let next = match set.file_name().and_then(|name| name.to_str()) {
        Some(name) => format!("podlift backup verify {name}"),
        None => "podlift backup list".into(),
    };
    Error::usage(what, problem.to_string(), &next)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = std::fs::read(path).map(Zeroizing::new);
    let next = format!("ls -l {}", path.display());
    bytes.map_err(|e| Error::usage(format!("{} can't be read", path.display()), e.to_string(), &next))
}

/// Tries each key of the identity file, as `age -d -i FILE` does.
fn decrypted(sealed: &[u8], identity: &Path, set: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = read(identity)?;
    let text = std::str::from_utf8(&text).unwrap_or_default();
    let keys: Vec<age::x25519::Identity> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
    let show = format!("age-keygen -y {}", identity.display());
    if keys.is_empty() {
        let why = "no line of it is a key: expected AGE-SECRET-KEY-1…, as age-keygen writes it";
        return Err(Error::usage(format!("{} is no identity", identity.display()), why, &show));
    }
    let mut cause = String::new();
    for key in &keys {
        match age::decrypt(key, sealed) {
            Ok(plain) => return Ok(Zeroizing::new(plain)),
            Err(error) => cause = error.to_string(),
        }
    }
    let why = format!(
        "none of the keys in {} opens it ({cause}): the set is encrypted to the recipients of [backup] in coordinator.toml",
        identity.display()
    );
    Err(Error::usage(format!("the secrets of set {} can't be decrypted", set.display()), why, &show))
}

fn named(object: &Value) -> Option<(&str, &str)> {
    let metadata = &object["metadata"];
    Some((metadata["namespace"].as_str()?, metadata["name"].as_str()?))
}

fn picked<'a>(list: &'a Value, namespace: &str, name: &str) -> Option<&'a Value> {
    list["items"].as_array()?.iter().find(|object| named(object) == Some((namespace, name)))
}

fn absent(list: &Value, set: &Path, (namespace, name): (&str, &str)) -> Error {
    let items = list["items"].as_array();
    let there: Vec<String> = items
        .into_iter()
        .flatten()
        .filter_map(named)
        .map(|(space, name)| format!("{space}/{name}"))
        .collect();
    let why = match there.is_empty() {
        true => "the set contains no TLS secret".to_string(),
        false => format!("the set contains {}", there.join(", ")),
    };
    Error::usage(
        format!("secret {namespace}/{name} is not in set {}", set.display()),
        why,
        "podlift backup list",
    )
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
