//! What a client meets at the address of an ingress: the certificate of the secret that the ingress names for the host, else the
//! controller's default certificate, else the one that the controller makes for itself; or no TLS at all.

use super::certificates::{self, Pair};
use super::core::World;
use super::{balancers, state::State};
use crate::objects::Key;
use base64::Engine as _;
use serde::Deserialize;
use serde_json::Value;

/// The program behind the address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controller {
    #[default]
    IngressNginx,
    Haproxy,
    Traefik,
}

impl Controller {
    /// The certificate that it presents where it has no other one.
    pub fn own_certificate(self) -> Pair {
        match self {
            Self::IngressNginx => certificates::own(
                "Acme Co",
                "Kubernetes Ingress Controller Fake Certificate",
                "ingress.local",
            ),
            Self::Haproxy => certificates::own("", "ingress.local", "ingress.local"),
            Self::Traefik => certificates::own("", "TRAEFIK DEFAULT CERT", "0f5e.traefik.default"),
        }
    }
}

/// How it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    #[default]
    Serves,
    /// Connections are accepted and nothing is ever said.
    Silent,
    /// Connections end with a reset.
    Resets,
    /// It speaks HTTP without TLS.
    PlainHttp,
}

/// The page of Run:ai.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Page {
    pub status: u16,
    pub title: String,
}

#[derive(Debug, Clone)]
pub struct Ingress {
    pub controller: Controller,
    pub mode: Mode,
    pub page: Page,
}

impl Default for Ingress {
    fn default() -> Self {
        let page = Page { status: 200, title: "NVIDIA Run:ai".into() };
        Self { controller: Controller::default(), mode: Mode::default(), page }
    }
}

/// What one client meets.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Certificates, leaf first, and the page behind them.
    Serves(Pair, Page),
    Silent,
    /// Also where no service has the address: no node announces it.
    Resets,
    PlainHttp,
}

/// The secret that BCM's `cm-kubernetes-setup` makes, which the controller's argument `--default-ssl-certificate` names.
pub const DEFAULT_SECRET: (&str, &str) = ("ingress-nginx", "ingress-server-default-tls");
const ARGUMENT: &str = "--default-ssl-certificate=";

impl World {
    /// What a client that asks for `name` meets at an address without a port.
    pub fn ingress_answers(&self, address: &str, name: &str) -> Answer {
        let s = self.lock();
        let announced = s.api.of("", "services").any(|(_, v)| balancers::addresses(v).any(|a| a == address));
        match s.ingress.mode {
            _ if !announced => Answer::Resets,
            Mode::Silent => Answer::Silent,
            Mode::Resets => Answer::Resets,
            Mode::PlainHttp => Answer::PlainHttp,
            Mode::Serves => Answer::Serves(certificate(&s, name), s.ingress.page.clone()),
        }
    }
}

fn certificate(s: &State, name: &str) -> Pair {
    let of_host = secret_of(s, name).and_then(|(namespace, secret)| pair(s, &namespace, &secret));
    let default = || {
        let (namespace, secret) = default_secret(s);
        pair(s, &namespace, &secret)
    };
    of_host.or_else(default).unwrap_or_else(|| s.ingress.controller.own_certificate())
}

/// The secret that an ingress names for a host.
fn secret_of(s: &State, name: &str) -> Option<(String, String)> {
    let covers = |host: &Value| {
        let host = host.as_str().unwrap_or_default();
        let below = host.strip_prefix("*.").zip(name.split_once('.'));
        host == name || below.is_some_and(|(domain, (_, rest))| domain == rest)
    };
    s.api.of("networking.k8s.io", "ingresses").find_map(|(key, v)| {
        let tls = v["spec"]["tls"].as_array()?.iter();
        let mine = |t: &&Value| t["hosts"].as_array().into_iter().flatten().any(covers);
        let secret = tls.filter(mine).find_map(|t| t["secretName"].as_str())?;
        Some((key.namespace.clone(), secret.to_string()))
    })
}

/// By the argument of the controller, else by BCM's own name.
fn default_secret(s: &State) -> (String, String) {
    let arguments = s.api.of("apps", "deployments").flat_map(|(_, v)| {
        let args = v["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
        args.into_iter().flatten().filter_map(Value::as_str)
    });
    let named = arguments.filter_map(|a| a.strip_prefix(ARGUMENT)?.split_once('/')).next();
    let (namespace, name) = named.unwrap_or(DEFAULT_SECRET);
    (namespace.into(), name.into())
}

/// `None`: the secret is gone, or holds no pair.
fn pair(s: &State, namespace: &str, name: &str) -> Option<Pair> {
    let secret = s.api.get(&Key::new("", "secrets", namespace, name))?;
    let part = |key: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(secret["data"][key].as_str()?).ok()?;
        String::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN"))
    };
    Some(Pair { certificate: part("tls.crt")?, key: part("tls.key")? })
}

#[cfg(test)]
#[path = "ingress_tests.rs"]
mod tests;
