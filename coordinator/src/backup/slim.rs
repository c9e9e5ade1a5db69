//! The fields of an object that the backup itself needs: which services are load balancers, and which secrets an ingress uses. Pure
//! functions.

use super::settings::ObjectName;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Meta,
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(rename = "type")]
    kind: Option<String>,
    tls: Option<Vec<Tls>>,
    containers: Option<Vec<Container>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tls {
    #[serde(rename = "secretName")]
    secret_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    command: Option<Vec<String>>,
    args: Option<Vec<String>>,
}

fn read(item: &str) -> Object {
    serde_json::from_str(item).unwrap_or_default()
}

pub(super) fn load_balancer(service: &str) -> bool {
    read(service).spec.kind.as_deref() == Some("LoadBalancer")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    metadata: Meta,
}

pub(super) fn namespace(item: &str) -> String {
    serde_json::from_str::<Named>(item).unwrap_or_default().metadata.namespace
}

/// Secrets that an ingress names, and the name of the ingress for people.
pub(super) fn tls_secrets(ingress: &str) -> Vec<(ObjectName, String)> {
    let Object { metadata: Meta { namespace, name }, spec } = read(ingress);
    let names = spec.tls.into_iter().flatten().filter_map(|t| t.secret_name).filter(|n| !n.is_empty());
    names
        .filter_map(|secret| ObjectName::try_from(format!("{namespace}/{secret}")).ok())
        .map(|secret| (secret, format!("ingress {namespace}/{name}")))
        .collect()
}

/// ingress-nginx's `--default-ssl-certificate=NAMESPACE/NAME`, whichever pod has it.
pub(super) fn default_certificate(pod: &str) -> Option<ObjectName> {
    const FLAG: &str = "--default-ssl-certificate=";
    if !pod.contains(FLAG) {
        return None;
    }
    let containers = read(pod).spec.containers.unwrap_or_default();
    let words = containers.into_iter().flat_map(|c| c.command.into_iter().chain(c.args).flatten());
    words.filter_map(|w| w.strip_prefix(FLAG).map(String::from)).find_map(|n| ObjectName::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_load_balancer_and_which_secrets_serve() {
        assert!(load_balancer(r#"{"spec":{"type":"LoadBalancer","x":1}}"#));
        assert!(!load_balancer(r#"{"spec":{"type":"ClusterIP"}}"#) && !load_balancer(r#"{"spec":{}}"#));
        let ingress = r#"{"metadata":{"namespace":"runai","name":"ui"},"spec":{"tls":[{"hosts":["a"],"secretName":"ui-tls"},{"hosts":["b"]}]}}"#;
        let found = tls_secrets(ingress);
        assert_eq!(
            (found.len(), found[0].0.to_string(), found[0].1.as_str()),
            (1, "runai/ui-tls".into(), "ingress runai/ui")
        );
        assert_eq!(namespace(ingress), "runai");
    }

    #[test]
    fn the_default_certificate_is_an_argument_of_the_controller() {
        let pod = |arg: &str| {
            format!(r#"{{"metadata":{{}},"spec":{{"containers":[{{"args":["/nginx","{arg}"]}}]}}}}"#)
        };
        let found = default_certificate(&pod("--default-ssl-certificate=ingress-nginx/star"));
        assert_eq!(found.unwrap().to_string(), "ingress-nginx/star");
        assert!(default_certificate(&pod("--v=2")).is_none());
        assert!(default_certificate(&pod("--default-ssl-certificate=$(POD_NAMESPACE)/x")).is_none());
    }
}
