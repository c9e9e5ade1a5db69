//! Files that the live manifests name: the folder of certificates, and files in flags that may be elsewhere.

use crate::node::Node;
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::op::Component;
use std::path::Path;

/// A flag may name a file below these. Other paths in a manifest are not trusted.
const ROOTS: [&str; 3] = ["/etc/", "/cm/", "/var/lib/kubelet/"];

#[derive(Default)]
pub struct Named {
    /// `None` if no manifest names it.
    pub certificates: Option<String>,
    pub files: Vec<String>,
}

pub fn of(node: &Node) -> Named {
    let mut out = Named::default();
    for component in Component::ALL {
        let Ok(bytes) = node.host.files.read(&paths::manifest(*component)) else { continue };
        let Ok(manifest) = Manifest::parse(*component, &bytes) else { continue };
        let flags = manifest.flags();
        let on_node = |path: &String| manifest.on_node(path).filter(|p| allowed(p));
        // Only flags with these endings, so that no log and no folder of the system is served.
        let is_file = |flag: &str| flag.ends_with("file") || flag.ends_with("config");
        let values = flags.0.iter().filter(|(flag, _)| is_file(flag)).flat_map(|(_, values)| values);
        out.files.extend(values.filter_map(on_node));
        let ca = flags.joined("client-ca-file").and_then(|ca| on_node(&ca));
        let folder = ca.and_then(|ca| Some(ca.rsplit_once('/')?.0.to_string()));
        out.certificates = out.certificates.or(folder.filter(|dir| dir.starts_with("/etc/kubernetes/")));
    }
    out
}

fn allowed(path: &str) -> bool {
    let plain = Path::new(path).components().all(|c| !matches!(c, std::path::Component::ParentDir));
    plain && ROOTS.iter().any(|root| path.starts_with(root))
}
