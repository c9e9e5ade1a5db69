//! A kubeconfig: the user and the cluster of its current context. Of a user only the certificate is read, never the key or a token.

use super::Site;
use super::dated::newest;
use crate::yaml;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podlift_host::FileKind;
use serde::Deserialize;
use std::path::Path;

#[derive(Debug, Default, Deserialize)]
pub struct Kubeconfig {
    #[serde(default, rename = "current-context")]
    current: Option<String>,
    #[serde(default)]
    contexts: Option<Vec<NamedContext>>,
    #[serde(default)]
    clusters: Option<Vec<NamedCluster>>,
    #[serde(default)]
    users: Option<Vec<NamedUser>>,
}

#[derive(Debug, Deserialize)]
struct NamedContext {
    #[serde(default)]
    name: String,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Default, Deserialize)]
struct Context {
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    user: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NamedCluster {
    #[serde(default)]
    name: String,
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    #[serde(default)]
    certificate_authority_data: Option<String>,
    #[serde(default)]
    certificate_authority: Option<String>,
    #[serde(default, rename = "insecure-skip-tls-verify")]
    pub insecure: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct NamedUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    user: User,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    #[serde(default)]
    client_certificate_data: Option<String>,
    #[serde(default)]
    client_certificate: Option<String>,
}

impl Kubeconfig {
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
        yaml::first(text).map_err(|why| format!("it is no kubeconfig: {why}"))
    }

    fn context(&self) -> Option<&Context> {
        let current = self.current.as_deref()?;
        let all = self.contexts.as_deref().unwrap_or_default();
        all.iter().find(|c| c.name == current).map(|c| &c.context)
    }

    /// The user of the current context, or the first user if no context is named.
    pub fn user(&self) -> Option<&User> {
        let all = self.users.as_deref().unwrap_or_default();
        let wanted = self.context().and_then(|c| c.user.as_deref());
        let named = wanted.and_then(|name| all.iter().find(|u| u.name == name));
        named.or(all.first()).map(|u| &u.user)
    }

    /// The cluster of the current context, or the first cluster if no context is named.
    pub fn cluster(&self) -> Option<&Cluster> {
        let all = self.clusters.as_deref().unwrap_or_default();
        let wanted = self.context().and_then(|c| c.cluster.as_deref());
        let named = wanted.and_then(|name| all.iter().find(|c| c.name == name));
        named.or(all.first()).map(|c| &c.cluster)
    }
}

impl User {
    /// The certificate inside the file; `None` if it has none there.
    pub fn inline(&self) -> Result<Option<Vec<u8>>, String> {
        self.client_certificate_data.as_deref().filter(|d| !d.is_empty()).map(decoded).transpose()
    }

    /// The certificate as PEM, from the file itself or from the file that it names; `None` if it has no certificate.
    pub fn certificate(&self, site: &Site<'_>) -> Result<Option<Vec<u8>>, String> {
        match (self.inline()?, &self.client_certificate) {
            (Some(bytes), _) => Ok(Some(bytes)),
            (None, Some(path)) => read(site, path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Cluster {
    /// The CA as PEM; `None` if it names no CA.
    pub fn authority(&self, site: &Site<'_>) -> Result<Option<Vec<u8>>, String> {
        match (
            self.certificate_authority_data.as_deref().filter(|d| !d.is_empty()),
            &self.certificate_authority,
        ) {
            (Some(data), _) => decoded(data).map(Some),
            (None, Some(path)) => read(site, path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn decoded(data: &str) -> Result<Vec<u8>, String> {
    let data: String = data.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(data).map_err(|_| "its certificate is no base64".to_string())
}

/// Reads without following links; instead of `kubelet-client-current.pem`, a link, it takes the newest of the dated files beside it.
fn read(site: &Site<'_>, path: &str) -> Result<Vec<u8>, String> {
    let link = site.files().stat(Path::new(path)).is_ok_and(|s| s.kind == FileKind::Symlink);
    let dated = match path.strip_suffix("current.pem").and_then(|p| p.rsplit_once('/')) {
        Some((dir, start)) if link => newest(&site.names(dir)?, start).map(|name| format!("{dir}/{name}")),
        _ => None,
    };
    let path = dated.as_deref().unwrap_or(path);
    site.files().read(Path::new(path)).map_err(|e| format!("{path}: {e}"))
}
