//! What the manifest folder holds besides the three: the kubelet reads every name that does not begin with a dot, whatever its ending.

use super::Site;
use podlift_heal::manifest::identity;
use podlift_heal::strays;
use podlift_host::FileKind;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::survey::OtherManifest;
use std::io;
use std::path::Path;

pub fn look(site: &Site<'_>) -> Result<Vec<OtherManifest>, String> {
    let dir = Path::new(paths::MANIFESTS);
    let mut out = Vec::new();
    for name in site.names(paths::MANIFESTS)?.into_iter().filter(|name| strays::may_be(name)) {
        let path = dir.join(&name);
        let failed = |e: io::Error| format!("{}: {e}", path.display());
        match site.files().stat(&path).map_err(failed)?.kind {
            // The kubelet does not go into it.
            FileKind::Directory => continue,
            FileKind::Regular => {
                let bytes = site.files().read(&path).map_err(failed)?;
                let pod = identity(&bytes).map(|(namespace, name)| format!("{namespace}/{name}"));
                let stray = strays::component_of(&bytes).is_some();
                out.push(OtherManifest { file: name, pod, stray });
            }
            // Where it leads is not looked at; the kubelet follows it.
            FileKind::Symlink | FileKind::Other => {
                let stray = Component::ALL.iter().any(|c| name.starts_with(c.name()));
                out.push(OtherManifest { file: name, pod: None, stray });
            }
        }
    }
    Ok(out)
}
