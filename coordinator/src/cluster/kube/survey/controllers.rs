//! Controllers of ingresses and gateways, with the secret of their default certificate: an argument of ingress-nginx and HAProxy, an object
//! of Traefik, a listener of a Gateway.

use super::super::api::{Api, ApiError};
use podlift_engine::survey::{IngressController, IngressFamily};
use podlift_model::Failure;
use serde_json::Value;

const DEFAULT: &str = "--default-ssl-certificate=";
const STORES: &str = "/apis/traefik.io/v1alpha1/tlsstores";
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/gateways";

pub(super) async fn read(api: &Api) -> Result<Vec<IngressController>, Failure> {
    let (mut found, take) = (Vec::new(), |path: &'static str| api.list(path, &[]));
    let (deployments, sets, stores, gateways) = tokio::join!(
        take("/apis/apps/v1/deployments"),
        take("/apis/apps/v1/daemonsets"),
        optional(api, STORES),
        optional(api, GATEWAYS)
    );
    let store = default_store(&stores?);
    for object in deployments?.iter().chain(&sets?) {
        found.extend(controller(object, store.as_deref()));
    }
    found.extend(gateways?.iter().map(gateway));
    Ok(found)
}

/// A list of a group that most clusters do not have, or that podlift may not read.
async fn optional(api: &Api, path: &str) -> Result<Vec<Value>, Failure> {
    match api.list(path, &[]).await {
        Ok(all) => Ok(all),
        Err(ApiError::Status(s)) if matches!(s.code, 403 | 404) => Ok(vec![]),
        Err(error) => Err(error.into()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// `None` if the workload is no controller of ingresses.
fn controller(object: &Value, store: Option<&str>) -> Option<IngressController> {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array()?;
    let (family, container) = containers.iter().find_map(|c| Some((family(c["image"].as_str()?)?, c)))?;
    let words =
        ["command", "args"].into_iter().flat_map(|key| container[key].as_array().into_iter().flatten());
    let argument = words.filter_map(Value::as_str).find_map(|word| word.strip_prefix(DEFAULT));
    let namespace = text(&object["metadata"]["namespace"]);
    let default_certificate = match family {
        IngressFamily::Traefik => store.map(String::from),
        _ => argument.map(|name| name.replace("$(POD_NAMESPACE)", &namespace)),
    };
    Some(IngressController {
        family,
        name: text(&object["metadata"]["name"]),
        namespace,
        default_certificate,
    })
}

/// By the last part of the image's name.
fn family(image: &str) -> Option<IngressFamily> {
    let path = image.split('@').next()?;
    let last = path.rsplit('/').next()?.split(':').next()?;
    match last {
        "traefik" => Some(IngressFamily::Traefik),
        "kubernetes-ingress" if path.contains("haproxy") => Some(IngressFamily::Haproxy),
        "haproxy-ingress" => Some(IngressFamily::Haproxy),
        "controller" | "nginx-ingress-controller"
            if path.contains("ingress-nginx") || path.contains("nginx-ingress") =>
        {
            Some(IngressFamily::IngressNginx)
        }
        _ => None,
    }
}

/// The certificate of the TLSStore `default`, `namespace/name`.
fn default_store(stores: &[Value]) -> Option<String> {
    let store = stores.iter().find(|s| s["metadata"]["name"] == "default")?;
    let secret = store["spec"]["defaultCertificate"]["secretName"].as_str()?;
    Some(format!("{}/{secret}", text(&store["metadata"]["namespace"])))
}

/// A Gateway with the secret of its first TLS listener.
fn gateway(object: &Value) -> IngressController {
    let namespace = text(&object["metadata"]["namespace"]);
    let listeners = object["spec"]["listeners"].as_array().into_iter().flatten();
    let mut references = listeners.flat_map(|l| l["tls"]["certificateRefs"].as_array().into_iter().flatten());
    let secret = references.find_map(|r| {
        let of = r["namespace"].as_str().unwrap_or(&namespace);
        r["name"].as_str().map(|name| format!("{of}/{name}"))
    });
    IngressController {
        family: IngressFamily::GatewayApi,
        name: text(&object["metadata"]["name"]),
        default_certificate: secret,
        namespace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(image: &str, args: &[&str], store: Option<&str>) -> Option<(IngressFamily, Option<String>)> {
        let object = json!({"metadata": {"namespace": "ingress-nginx", "name": "c"},
            "spec": {"template": {"spec": {"containers": [{"image": "sidecar:1"}, {"image": image, "args": args}]}}}});
        controller(&object, store).map(|c| (c.family, c.default_certificate))
    }

    #[test]
    fn each_family_has_its_default_certificate_where_it_keeps_it() {
        let flag = "--default-ssl-certificate=runai/star";
        let own = "--default-ssl-certificate=$(POD_NAMESPACE)/ingress-server-default-tls";
        let named = |name: &str| Some(name.to_string());
        for (image, args, want) in [
            (
                "registry.k8s.io/ingress-nginx/controller:v1.13.3@sha256:ab",
                vec!["/nginx", flag],
                Some((IngressFamily::IngressNginx, named("runai/star"))),
            ),
            (
                "registry.k8s.io/ingress-nginx/controller:v1.13.3",
                vec![own],
                Some((IngressFamily::IngressNginx, named("ingress-nginx/ingress-server-default-tls"))),
            ),
            (
                "registry.k8s.io/ingress-nginx/controller:v1.13.3",
                vec![],
                Some((IngressFamily::IngressNginx, None)),
            ),
            (
                "haproxytech/kubernetes-ingress:3.1",
                vec![flag],
                Some((IngressFamily::Haproxy, named("runai/star"))),
            ),
            ("docker.io/traefik:v3.3", vec![flag], Some((IngressFamily::Traefik, named("a/store")))),
            ("registry.k8s.io/coredns/coredns:v1.11.3", vec![flag], None),
            ("localhost:5000/other/controller:1", vec![flag], None),
        ] {
            assert_eq!(of(image, &args, Some("a/store")), want, "{image}");
        }
    }

    #[test]
    fn a_gateway_names_the_secret_of_its_listener() {
        let object = json!({"metadata": {"namespace": "g", "name": "edge"}, "spec": {"listeners": [
            {"name": "http"}, {"name": "https", "tls": {"certificateRefs": [{"name": "edge-tls"}]}}]}});
        assert_eq!(gateway(&object).default_certificate.as_deref(), Some("g/edge-tls"));
        let stores = [
            json!({"metadata": {"namespace": "t", "name": "default"}, "spec": {"defaultCertificate": {"secretName": "x"}}}),
        ];
        assert_eq!(default_store(&stores).as_deref(), Some("t/x"));
        assert_eq!(default_store(&[]), None);
    }
}
