//! Stacked etcd, from its static pod's manifest. An upgrade by kubeadm rewrites that manifest like the three others.

use super::Site;
use crate::static_pod::StaticPod;
use podlift_host::paths;
use podlift_model::FlagSet;
use podlift_model::survey::{Seen, StackedEtcd};
use std::path::Path;

/// `None` if etcd is no static pod of this node.
pub fn look(site: &Site<'_>) -> Option<Seen<StackedEtcd>> {
    let path = format!("{}/etcd.yaml", paths::MANIFESTS);
    match site.text(Path::new(&path)) {
        Ok(None) => None,
        Ok(Some(text)) => Some(of(&text).map_err(|why| format!("{path}: {why}"))),
        Err(why) => Some(Err(why)),
    }
}

fn of(text: &str) -> Result<StackedEtcd, String> {
    let pod = StaticPod::read(text)?;
    let container = pod.container("etcd")?;
    let image = container.image.clone().unwrap_or_default();
    Ok(match container.flags() {
        Ok(flags) => StackedEtcd { image, flags, opaque: None },
        Err(opaque) => StackedEtcd { image, flags: FlagSet::default(), opaque: Some(opaque.to_string()) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str =
        include_str!("../../../../tests/fixtures/cases/19-patches-forgotten-for-etcd/live-etcd.yaml");

    #[test]
    fn image_and_flags_of_etcds_own_container() {
        let etcd = of(LIVE).unwrap();
        assert_eq!((etcd.image.as_str(), etcd.opaque), ("registry.k8s.io/etcd:3.5.15-0", None));
        assert_eq!(etcd.flags.joined("quota-backend-bytes").as_deref(), Some("8589934592"));
        let path = LIVE.replace("    - etcd\n", "    - /usr/local/bin/etcd\n") + "---\nkind: [\n";
        assert_eq!(of(&path).unwrap().flags, etcd.flags, "a path, and a second document");
        let shell = of(&LIVE.replace("    - etcd\n", "    - sh\n    - -c\n")).unwrap();
        assert_eq!(shell.flags, FlagSet::default());
        assert!(shell.opaque.unwrap().starts_with("opaque: sh -c"));
        assert!(of("spec:\n  containers: []\n").unwrap_err().contains("no container named etcd"));
    }
}
