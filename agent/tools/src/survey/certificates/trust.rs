//! Whether each kubeconfig of this control-plane node trusts the certificate of its API server. After a change of the CA, people often
//! forget one of them. Reads certificates only.

use super::super::Site;
use super::super::kubeconfig::Kubeconfig;
use super::pem;
use jiff::Timestamp;
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::survey::{KubeconfigTrust, Seen};
use std::path::Path;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

const NAMES: [&str; 5] =
    ["admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"];

/// The result for each existing kubeconfig; empty on a worker, which has no certificate to compare.
pub fn look(site: &Site<'_>, now: Timestamp) -> Vec<KubeconfigTrust> {
    if !site.control_plane {
        return Vec::new();
    }
    let shown = shown(site);
    let paths = NAMES.iter().map(|name| format!("/etc/kubernetes/{name}")).filter(|path| site.there(path));
    let trust = |path: String| {
        let chain = shown.as_ref().map_err(|why| format!("the API server's certificate: {why}"));
        let trusts = chain.and_then(|chain| trusts(site, &path, chain, now));
        KubeconfigTrust { path, trusts }
    };
    paths.map(trust).collect()
}

/// The API server's certificate, and those that it sends along.
fn shown(site: &Site<'_>) -> Result<Vec<Pem>, String> {
    let path = paths::manifest(Component::KubeApiserver);
    let bytes = site.files().read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let manifest = Manifest::parse(Component::KubeApiserver, &bytes).map_err(|e| e.to_string())?;
    let flag = manifest.flags().joined("tls-cert-file").ok_or("its manifest has no --tls-cert-file")?;
    let file = manifest.on_node(&flag).ok_or_else(|| format!("{flag} is in no mount from the node"))?;
    let bytes = site.files().read(Path::new(&file)).map_err(|e| format!("{file}: {e}"))?;
    let blocks = pem::blocks(&bytes);
    if blocks.is_empty() { Err(format!("{file} holds no certificate")) } else { Ok(blocks) }
}

fn trusts(site: &Site<'_>, path: &str, shown: &[Pem], now: Timestamp) -> Seen<bool> {
    let bytes = site.files().read(Path::new(path)).map_err(|e| e.to_string())?;
    let config = Kubeconfig::read(&bytes)?;
    let cluster = config.cluster().ok_or("it names no cluster")?;
    if cluster.insecure == Some(true) {
        return Err("it trusts whoever answers (insecure-skip-tls-verify)".into());
    }
    let authority = cluster.authority(site)?.ok_or("it names no CA; that of the system counts")?;
    let roots = pem::blocks(&authority);
    if roots.is_empty() {
        return Err("its CA data holds no certificate".into());
    }
    verifies(shown, &roots, now)
}

/// Whether a chain leads from the first certificate over the others to one of the roots. A root that can't be read is ignored.
fn verifies(shown: &[Pem], roots: &[Pem], now: Timestamp) -> Seen<bool> {
    let leaf = pem::parsed(&shown[0])?;
    let all = |blocks: &[Pem]| blocks.iter().filter(|b| pem::parsed(b).is_ok()).cloned().collect::<Vec<_>>();
    let (roots, between) = (all(roots), all(&shown[1..]));
    let (mut at, mut steps) = (leaf, between.iter());
    loop {
        if roots.iter().filter_map(|r| pem::parsed(r).ok()).any(|root| signed(&at, &root, now)) {
            return Ok(true);
        }
        // The next certificate of the chain signs the one before it.
        match steps.next().map(pem::parsed).transpose()? {
            Some(next) if signed(&at, &next, now) => at = next,
            _ => return Ok(false),
        }
    }
}

/// Checks the issuer by name, by signature and by validity: Go's verification rejects an expired CA too.
fn signed(certificate: &X509Certificate<'_>, by: &X509Certificate<'_>, now: Timestamp) -> bool {
    let (from, to) = (by.validity().not_before.timestamp(), by.validity().not_after.timestamp());
    by.is_ca()
        && (from..=to).contains(&now.as_second())
        && certificate.issuer().as_raw() == by.subject().as_raw()
        && certificate.verify_signature(Some(by.public_key())).is_ok()
}
