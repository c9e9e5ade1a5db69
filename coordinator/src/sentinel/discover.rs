//! Which TLS secrets are followed: those of the record, those that ingresses name, and the default certificates of the controllers beside the
//! recorded services.

use super::baseline::Baseline;
use super::keeper::Name;
use super::{FIRST_PAUSE, LONGEST_PAUSE, Sentinel};
use crate::cluster::{Change, Followed};
use podlift_model::Failure;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

const INGRESSES: &str = "/apis/networking.k8s.io/v1/ingresses";
const FLAG: &str = "--default-ssl-certificate=";
/// A site with more secrets than this has a certificate manager, which makes them again by itself.
const MOST: usize = 64;

/// Default certificates, which are followed in any case, and the other secrets.
#[derive(Default)]
struct Found {
    defaults: BTreeSet<Name>,
    others: BTreeSet<Name>,
}

impl Sentinel {
    /// Follows the services and the secrets of the record at once, and what the cluster names as soon as it can be listed; then it lists
    /// again at each interval.
    pub(super) async fn discover(
        self: &Arc<Self>,
        baseline: &Baseline,
        send: mpsc::Sender<(Followed, Change)>,
    ) {
        let mut followers = JoinSet::new();
        let mut follow = |what: Followed| {
            followers.spawn(self.clone().follow(what, send.clone()));
        };
        follow(Followed::Services);
        let mut followed = Found::default();
        followed.add(self.named(baseline)).into_iter().for_each(&mut follow);
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.listed(baseline).await {
                Ok(found) => {
                    followed.add(found).into_iter().for_each(&mut follow);
                    self.follows_only(&followed.all());
                    pause = FIRST_PAUSE;
                    self.settings.interval
                }
                Err(failure) => {
                    tracing::warn!(why = failure.message, "the sentinel can't list what names TLS secrets");
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    wait
                }
            };
            sleep(wait).await;
        }
    }

    /// What the configuration and the record name.
    fn named(&self, baseline: &Baseline) -> Found {
        let defaults = self.default_certificate.iter().map(|n| (n.namespace.clone(), n.name.clone()));
        let recorded = baseline.recorded().tls_secrets.iter().filter_map(|name| name.split_once('/'));
        let others = recorded.map(|(namespace, name)| (namespace.to_string(), name.to_string()));
        Found { defaults: defaults.collect(), others: others.collect() }
    }

    async fn listed(&self, baseline: &Baseline) -> Result<Found, Failure> {
        let mut found = Found::default();
        let namespaces: BTreeSet<String> =
            baseline.services().into_iter().map(|(namespace, _)| namespace).collect();
        for namespace in namespaces {
            for kind in ["deployments", "daemonsets"] {
                let path = format!("/apis/apps/v1/namespaces/{namespace}/{kind}");
                let workloads = self.list(&path).await?;
                let of = workloads.iter().filter_map(|object| default_certificate(object, &namespace));
                found.defaults.extend(of);
            }
        }
        for ingress in self.list(INGRESSES).await? {
            found.others.extend(of_ingress(&ingress));
        }
        Ok(found)
    }

    /// A list that does not exist is empty.
    async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let Some(bytes) = self.performer.cluster.raw(path, &[]).await? else { return Ok(vec![]) };
        let mut list: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Failure::transient("odd-reply", format!("the list {path} is no JSON: {e}")))?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Ok(vec![]),
        }
    }
}

impl Found {
    fn all(&self) -> Vec<Followed> {
        let secrets = self.defaults.iter().chain(&self.others).cloned();
        let secrets = secrets.map(|(namespace, name)| Followed::Secret { namespace, name });
        std::iter::once(Followed::Services).chain(secrets).collect()
    }

    /// Takes over what is new, and says what to follow.
    fn add(&mut self, new: Self) -> Vec<Followed> {
        let mut out = vec![];
        for secret in new.defaults {
            if !self.others.contains(&secret) && self.defaults.insert(secret.clone()) {
                out.push(secret);
            }
        }
        for secret in new.others {
            let known = self.defaults.contains(&secret) || self.others.contains(&secret);
            if !known && self.others.len() < MOST {
                self.others.insert(secret.clone());
                out.push(secret);
            } else if !known {
                tracing::warn!(?secret, "the sentinel follows {MOST} TLS secrets, and not this one");
            }
        }
        out.into_iter().map(|(namespace, name)| Followed::Secret { namespace, name }).collect()
    }
}

fn of_ingress(ingress: &Value) -> Vec<Name> {
    let namespace = ingress["metadata"]["namespace"].as_str().unwrap_or_default();
    let tls = ingress["spec"]["tls"].as_array().into_iter().flatten();
    let names = tls.filter_map(|t| t["secretName"].as_str()).filter(|name| !name.is_empty());
    names.map(|name| (namespace.to_string(), name.to_string())).collect()
}

/// The secret that an argument of the controller names.
fn default_certificate(workload: &Value, namespace: &str) -> Option<Name> {
    let containers = workload["spec"]["template"]["spec"]["containers"].as_array()?;
    let words = containers.iter().flat_map(|c| {
        ["command", "args"].into_iter().flat_map(|key| c[key].as_array().into_iter().flatten())
    });
    let name = words.filter_map(Value::as_str).find_map(|word| word.strip_prefix(FLAG))?;
    let (of, name) = name.split_once('/')?;
    let of = if of == "$(POD_NAMESPACE)" { namespace } else { of };
    Some((of.into(), name.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn default_certificates_are_followed_beside_the_most_of_the_others() {
        let name = |i: usize| ("a".to_string(), format!("s{i}"));
        let star = ("z".to_string(), "star".to_string());
        let mut followed = Found::default();
        let many = || Found { defaults: [star.clone()].into(), others: (0..MOST + 9).map(name).collect() };
        let first = followed.add(many());
        assert_eq!(first.len(), MOST + 1);
        assert!(matches!(&first[0], Followed::Secret { name, .. } if name == "star"));
        assert!(followed.add(many()).is_empty(), "each is followed once");
    }

    #[test]
    fn secrets_of_ingresses_and_of_the_controllers_argument() {
        let ingress = json!({"metadata": {"namespace": "runai"}, "spec": {"tls": [{"secretName": "ui-tls"}, {"hosts": ["x"]}, {"secretName": ""}]}});
        assert_eq!(of_ingress(&ingress), [("runai".to_string(), "ui-tls".to_string())]);
        let workload = |arg: &str| {
            let spec = json!({"containers": [{"image": "sidecar"}, {"args": ["/nginx", arg]}]});
            default_certificate(&json!({"spec": {"template": {"spec": spec}}}), "ingress-nginx")
        };
        let named = |namespace: &str, name: &str| Some((namespace.to_string(), name.to_string()));
        assert_eq!(workload("--default-ssl-certificate=certs/star"), named("certs", "star"));
        assert_eq!(
            workload("--default-ssl-certificate=$(POD_NAMESPACE)/ingress-server-default-tls"),
            named("ingress-nginx", "ingress-server-default-tls")
        );
        assert_eq!(workload("--v=2"), None);
    }
}
