//! What happens to the things beside Kubernetes in a scenario: services and secrets that go, the provider's pool, the ingress, Calico.

use crate::world::balancers::Provider;
use crate::world::ingress::{Controller, Mode};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Site {
    /// Somebody deletes an object.
    Lose(Loss),
    /// The provider of load-balancer addresses has another pool, or none.
    Balancers(BalancersState),
    /// What answers at the address of the ingress.
    Ingress(IngressState),
    /// A person makes a TLS secret with a certificate for this name, good for so many days; or changes it.
    TlsSecret { namespace: String, name: String, host: String, days: i64 },
    /// Somebody installs Tigera's operator beside BCM's Calico.
    InstallTigera,
}

/// An object, and how much of its deleter is left to be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Loss {
    #[serde(default)]
    pub group: String,
    pub resource: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
    /// The manager that wrote it last.
    pub by: Option<String>,
    /// An event says it.
    #[serde(default)]
    pub event: bool,
}

/// What is not given stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BalancersState {
    pub provider: Option<Provider>,
    pub pool: Option<bool>,
}

/// What is not given stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IngressState {
    pub mode: Option<Mode>,
    pub controller: Option<Controller>,
    /// HTTP status and title of its page.
    pub status: Option<u16>,
    pub title: Option<String>,
}
