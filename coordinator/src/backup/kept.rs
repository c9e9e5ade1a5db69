//! Copies of single objects in sealed sets, for their restoration. The seal, the cluster and the hash of the member are checked first; a set
//! that is damaged gives no copy.

use super::member::blocking;
use super::{Backups, damaged, failure};
use podlift_backup::{Entry, Kind, Manifest, Problem};
use podlift_model::{Digest, Failure, RunId};
use serde_json::Value;

impl Backups {
    /// The copy of a LoadBalancer service in the newest set that has it. The set of `run` comes first, with its hash in the journal. A set of
    /// another cluster is left out, and a damaged set counts only if no other gives a copy.
    pub async fn service(
        &self,
        run: Option<(&RunId, &Digest)>,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Failure> {
        let mut sets: Vec<(String, Option<Digest>)> = vec![];
        sets.extend(run.map(|(run, hash)| (run.to_string(), Some(hash.clone()))));
        for entry in self.whole().await? {
            if !sets.iter().any(|(id, _)| *id == entry.id) {
                sets.push((entry.id, None));
            }
        }
        let mut damage = None;
        for (id, hash) in sets {
            let found = match self.member(&id, hash, Kind::LoadBalancerServices).await {
                Ok(found) => found,
                Err(failure) => {
                    damage.get_or_insert(failure);
                    continue;
                }
            };
            let list = found.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            if let Some(service) = list.and_then(|list| pick(list, namespace, name)) {
                return Ok(Some(service));
            }
        }
        damage.map_or(Ok(None), Err)
    }

    /// Whether a sealed set of this cluster has this TLS secret, which only the owner of its recipients' identity can read. If the set of
    /// `run` says that the secret did not exist, older sets do not count.
    pub async fn has_secret(
        &self,
        run: Option<&RunId>,
        namespace: &str,
        name: &str,
    ) -> Result<bool, Failure> {
        let sets = self.whole().await?;
        let manifests: Vec<&Manifest> =
            sets.iter().filter_map(|entry| entry.manifest.as_ref().ok()).collect();
        Ok(has(&manifests, run, namespace, name))
    }

    /// The sets of this cluster that have their name, newest first.
    async fn whole(&self) -> Result<Vec<Entry>, Failure> {
        let own = |e: &Entry| !e.unfinished && e.manifest.as_ref().is_ok_and(|m| m.cluster == self.cluster);
        Ok(self.list().await?.into_iter().filter(own).collect())
    }

    async fn member(&self, id: &str, hash: Option<Digest>, kind: Kind) -> Result<Option<Vec<u8>>, Failure> {
        let (dir, cluster) = (self.root().join(id), self.cluster.clone());
        let read = blocking(move || match dir.exists() {
            true => Ok(podlift_backup::content(&dir, hash.as_ref(), &cluster, kind)),
            false => Ok(Ok(None)),
        });
        read.await?.map_err(|problem| match problem {
            Problem::Foreign { .. } => Failure::operator(
                failure::DAMAGED,
                format!(
                    "backup {id} gives no copy: {problem}; podlift backup list shows the sets of this cluster"
                ),
            ),
            other => damaged(id, &[other]),
        })
    }
}

/// The first words about a TLS secret that did not exist when a set was made.
pub(super) fn words(namespace: &str, name: &str) -> String {
    format!("secret {namespace}/{name} of ")
}

fn has(sets: &[&Manifest], run: Option<&RunId>, namespace: &str, name: &str) -> bool {
    let words = words(namespace, name);
    let lacks = |set: &Manifest| {
        set.left_out.iter().any(|left| left.what.kind == Kind::TlsSecrets && left.why.starts_with(&words))
    };
    if sets.iter().any(|set| run.is_some_and(|run| set.id == run.as_str()) && lacks(set)) {
        return false;
    }
    sets.iter().any(|set| podlift_backup::has_encrypted(set, Kind::TlsSecrets) && !lacks(set))
}

/// The object of this name in a `v1 List`.
fn pick(mut list: Value, namespace: &str, name: &str) -> Option<Value> {
    let items = list.get_mut("items")?.as_array_mut()?;
    let mine = |v: &&mut Value| v["metadata"]["namespace"] == namespace && v["metadata"]["name"] == name;
    items.iter_mut().find(mine).map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_backup::{LeftOut, Member, Stored, Wanted};
    use serde_json::json;

    fn set(id: &str, absent: &[&str]) -> Manifest {
        let kind = Kind::TlsSecrets;
        let member = Member {
            path: "cluster/tls-secrets.json.age".into(),
            kind,
            node: None,
            stored: Stored::Age,
            bytes: 1,
            sha256: Digest::of("x"),
            content_sha256: Digest::of("x"),
        };
        let left = |name: &&str| LeftOut {
            what: Wanted { kind, node: None },
            why: format!("{}ingress runai/ui does not exist", words("runai", name)),
        };
        Manifest {
            schema: "podlift.backup/v1".into(),
            id: id.into(),
            cluster: "runaicluster".parse().unwrap(),
            made_at: jiff::Timestamp::UNIX_EPOCH,
            by: "ada".into(),
            version: "v1.31.9".parse().unwrap(),
            revision: 1,
            wanted: vec![],
            members: vec![member],
            left_out: absent.iter().map(left).collect(),
        }
    }

    #[test]
    fn a_set_that_says_that_a_secret_did_not_exist_has_no_copy_of_it() {
        let (new, old) = (set("r2", &["ui-tls", "never"]), set("r1", &["never"]));
        let sets = [&new, &old];
        let run = RunId::new("r2").unwrap();
        for (run, name, want) in [
            (None, "ui-tls", true),
            (Some(&run), "ui-tls", false),
            (Some(&run), "other", true),
            (Some(&run), "ui", true),
            (None, "never", false),
        ] {
            assert_eq!(has(&sets, run, "runai", name), want, "{name} {run:?}");
        }
        assert!(!has(&[], None, "runai", "ui-tls"));
    }

    #[test]
    fn an_object_is_picked_by_both_of_its_names() {
        let list = json!({"kind": "List", "items": [
            {"metadata": {"namespace": "a", "name": "proxy"}, "spec": {"n": 1}},
            {"metadata": {"namespace": "b", "name": "proxy"}, "spec": {"n": 2}}]});
        assert_eq!(pick(list.clone(), "b", "proxy").unwrap()["spec"]["n"], 2);
        assert_eq!(pick(list.clone(), "a", "other"), None);
        assert_eq!(pick(json!({"items": null}), "a", "proxy"), None);
    }
}
