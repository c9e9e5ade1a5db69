//! The address on which a component of this node listens, from its manifest. Pure. It never guesses: a value that only the container knows
//! is an error.

use podlift_heal::manifest::Manifest;
use podlift_model::FlagSet;
use podlift_model::command::is_expanded;
use podlift_model::op::Component;

/// host:port on which this API server serves, or why that can't be known.
pub fn api_server(manifest: &Manifest) -> Result<String, String> {
    let flags = known(manifest)?;
    let annotation = manifest.advertise.clone().filter(|text| !is_expanded(text));
    match (flag(&flags, "advertise-address"), annotation) {
        (Some(Ok(host)), _) => Ok(joined(&host, &port(&flags, "6443")?)),
        (_, Some(annotation)) => Ok(annotation),
        (Some(Err(why)), None) => Err(why),
        (None, None) => Err("it names no advertise address".into()),
    }
}

/// host:port at which this node reaches the health endpoint of kube-controller-manager or kube-scheduler.
pub fn health(manifest: &Manifest) -> Result<String, String> {
    let flags = known(manifest)?;
    let usual = if manifest.component == Component::KubeScheduler { "10259" } else { "10257" };
    let host = match flag(&flags, "bind-address").transpose()?.as_deref() {
        None | Some("0.0.0.0") => "127.0.0.1".to_string(),
        Some("::" | "[::]") => "::1".into(),
        Some(other) => other.into(),
    };
    match port(&flags, usual)?.as_str() {
        "0" => Err("--secure-port=0: it serves no healthz".into()),
        port => Ok(joined(&host, port)),
    }
}

/// Whether kube-controller-manager or kube-scheduler serves no health endpoint at all.
pub fn serves_none(manifest: &Manifest) -> bool {
    manifest.flags().joined("secure-port").as_deref() == Some("0")
}

/// Whether the endpoint is on the loopback, where a component signs its own certificate.
pub fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn known(manifest: &Manifest) -> Result<FlagSet, String> {
    manifest.opaque().map_or_else(|| Ok(manifest.flags()), Err)
}

fn port(flags: &FlagSet, usual: &str) -> Result<String, String> {
    flag(flags, "secure-port").unwrap_or_else(|| Ok(usual.into()))
}

/// The flag's value; `None` if it is not set. An error if the kubelet expands it to something that the file does not contain.
fn flag(flags: &FlagSet, name: &str) -> Option<Result<String, String>> {
    let value = flags.joined(name).filter(|value| !value.is_empty())?;
    match is_expanded(&value) {
        true => {
            Some(Err(format!("--{name}={value} is filled in when the container starts: no address to dial")))
        }
        false => Some(Ok(value)),
    }
}

/// Joins host and port; an IPv6 address is in brackets.
pub fn joined(host: &str, port: &str) -> String {
    match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(component: Component, annotation: &str, words: &[&str]) -> Manifest {
        let words: String = words.iter().map(|w| format!("    - '{w}'\n")).collect();
        let text = format!(
            "metadata:\n  annotations:\n    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: '{annotation}'\n\
             spec:\n  containers:\n  - name: {component}\n    image: x:v1.32.9\n    command:\n{words}"
        );
        let text = text.replace(
            "    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: ''\n",
            "    a: b\n",
        );
        Manifest::parse(component, text.as_bytes()).unwrap()
    }

    #[test]
    fn where_the_api_server_is_dialled() {
        let api = "kube-apiserver";
        let cases: [(&str, &[&str], Result<&str, &str>); 9] = [
            ("10.0.0.1:6443", &[api, "--advertise-address=10.0.0.1"], Ok("10.0.0.1:6443")),
            ("", &[api, "--advertise-address", "10.0.0.1", "--secure_port=7443"], Ok("10.0.0.1:7443")),
            ("", &[api, "--advertise-address=fd00:77::11"], Ok("[fd00:77::11]:6443")),
            ("[fd00::1]:6443", &[api], Ok("[fd00::1]:6443")),
            ("10.0.0.1:6443", &[api, "--advertise-address=$(POD_IP)"], Ok("10.0.0.1:6443")),
            ("$(POD_IP):6443", &[api, "--advertise-address=$(POD_IP)"], Err("--advertise-address=$(POD_IP)")),
            ("", &["flock", "--timeout=30", "/x", api, "--advertise-address=10.0.0.9"], Ok("10.0.0.9:6443")),
            (
                "10.0.0.1:6443",
                &["/bin/sh", "-c", "kube-apiserver --advertise-address=10.0.0.1"],
                Err("opaque"),
            ),
            ("", &[api], Err("no advertise address")),
        ];
        for (annotation, words, want) in cases {
            let found = api_server(&manifest(Component::KubeApiserver, annotation, words));
            match want {
                Ok(want) => assert_eq!(found.as_deref(), Ok(want), "{words:?}"),
                Err(want) => assert!(found.as_ref().is_err_and(|e| e.contains(want)), "{words:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn where_the_others_tell_their_health() {
        let (kcm, scheduler) = (Component::KubeControllerManager, Component::KubeScheduler);
        let cases: [(Component, &[&str], Result<&str, &str>); 7] = [
            (kcm, &["kube-controller-manager", "--bind-address=127.0.0.1"], Ok("127.0.0.1:10257")),
            (scheduler, &["kube-scheduler"], Ok("127.0.0.1:10259")),
            (kcm, &["kube-controller-manager", "--bind-address=0.0.0.0"], Ok("127.0.0.1:10257")),
            (kcm, &["kube-controller-manager", "--bind-address=::"], Ok("[::1]:10257")),
            (scheduler, &["kube-scheduler", "--bind-address=10.0.0.1", "--secure-port=9"], Ok("10.0.0.1:9")),
            (scheduler, &["kube-scheduler", "--secure-port=0"], Err("serves no healthz")),
            (kcm, &["kube-controller-manager", "--bind-address=$(IP)"], Err("filled in")),
        ];
        for (component, words, want) in cases {
            let found = health(&manifest(component, "", words));
            match want {
                Ok(want) => assert_eq!(found.as_deref(), Ok(want), "{words:?}"),
                Err(want) => assert!(found.as_ref().is_err_and(|e| e.contains(want)), "{words:?}: {found:?}"),
            }
        }
        assert!(is_loopback("[::1]:10257") && is_loopback("127.0.0.1:1") && !is_loopback("10.0.0.1:10257"));
    }
}
