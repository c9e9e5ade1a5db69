//! The names of this node: its host name, the kubelet's override, and the user of kubelet.conf, which kubeadm uses as the name of the Node.

use super::Site;
use super::certificates::pem;
use super::kubeconfig::Kubeconfig;
use podlift_model::FlagSet;
use podlift_model::survey::{KubeletSettings, NodeNames, Seen};
use std::path::Path;

const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
const FILES: [&str; 2] = ["/etc/hostname", "/proc/sys/kernel/hostname"];
const PREFIX: &str = "system:node:";

pub fn look(site: &Site<'_>, kubelet: Option<&KubeletSettings>) -> Seen<NodeNames> {
    Ok(NodeNames {
        hostname: hostname(site)?,
        overridden: kubelet.and_then(overridden),
        kubelet_user: kubelet_user(site).map_err(|why| format!("{KUBELET_CONF}: {why}"))?,
    })
}

/// The host name in lower case, as kubelet and kubeadm use it.
fn hostname(site: &Site<'_>) -> Result<String, String> {
    for path in FILES {
        let text = site.text(Path::new(path))?.unwrap_or_default();
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        if let Some(name) = lines.next() {
            return Ok(name.to_lowercase());
        }
    }
    Err(format!("{} is not there or empty", FILES[0]))
}

/// The override of the next start, or of the running process if the files are unknown.
fn overridden(kubelet: &KubeletSettings) -> Option<String> {
    let of = |flags: &FlagSet| flags.joined("hostname-override").filter(|n| !n.is_empty());
    let running = || kubelet.running.as_ref().and_then(|r| r.as_ref().ok()).and_then(of);
    of(&kubelet.flags).or_else(|| running().filter(|_| kubelet.flags.0.is_empty()))
}

/// `None` without a kubelet.conf or without a certificate in it. A name without the usual prefix is returned whole, as kubeadm uses it.
fn kubelet_user(site: &Site<'_>) -> Result<Option<String>, String> {
    let bytes = match site.files().read(Path::new(KUBELET_CONF)) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| e.to_string())?,
    };
    let config = Kubeconfig::read(&bytes)?;
    let Some(user) = config.user() else { return Ok(None) };
    let Some(certificate) = user.certificate(site)? else { return Ok(None) };
    let name = pem::common_name(&certificate)?;
    Ok(Some(name.strip_prefix(PREFIX).unwrap_or(&name).to_string()))
}
