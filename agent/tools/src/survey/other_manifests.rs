//! Files in the manifest folder besides the three: the kubelet reads every name that does not begin with a dot, whatever its ending. A
//! second file for the pod of stacked etcd is a stray, like one for the pod of a component.

use super::Site;
use podlift_heal::manifest::identity;
use podlift_heal::strays;
use podlift_host::FileKind;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::survey::OtherManifest;
use std::io;
use std::path::Path;

const ETCD: &str = "kube-system/etcd";
const ETCD_FILE: &str = "etcd.yaml";

pub fn look(site: &Site<'_>) -> Result<Vec<OtherManifest>, String> {
    let dir = Path::new(paths::MANIFESTS);
    let etcd = site.there(&format!("{}/{ETCD_FILE}", paths::MANIFESTS));
    let mut out: Vec<OtherManifest> = Vec::new();
    for name in site.names(paths::MANIFESTS)?.into_iter().filter(|name| strays::may_be(name)) {
        let path = dir.join(&name);
        let failed = |e: io::Error| format!("{}: {e}", path.display());
        match site.files().stat(&path).map_err(failed)?.kind {
            // The kubelet does not enter folders.
            FileKind::Directory => continue,
            FileKind::Regular => {
                let bytes = site.files().read(&path).map_err(failed)?;
                let pod = identity(&bytes).map(|(namespace, name)| format!("{namespace}/{name}"));
                // Without etcd.yaml, the first file with the pod counts as etcd's own.
                let second = etcd || out.iter().any(|o| o.pod.as_deref() == Some(ETCD));
                let of_etcd = pod.as_deref() == Some(ETCD) && name != ETCD_FILE && second;
                let stray = strays::component_of(&bytes).is_some() || of_etcd;
                out.push(OtherManifest { file: name, pod, stray });
            }
            // The target is not read here, but the kubelet follows the link.
            FileKind::Symlink | FileKind::Other => {
                let of_etcd = etcd && name != ETCD_FILE && name.starts_with(ETCD_FILE);
                let stray = of_etcd || Component::ALL.iter().any(|c| name.starts_with(c.name()));
                out.push(OtherManifest { file: name, pod: None, stray });
            }
        }
    }
    Ok(out)
}
