//! Looks on the wire: the message `Observe`, which travels in the oneof of the ops.

use super::WireError;
use super::fields::field;
use podlift_model::deletion::DeletedObject;
use podlift_model::{Look, RunId};
use podlift_proto::v1::{self, observe::What, op::Kind};

pub fn look_to_wire(look: &Look) -> v1::Op {
    v1::Op { kind: Some(Kind::Observe(observe(look))) }
}

fn observe(look: &Look) -> v1::Observe {
    let (what, to, run) = match look {
        Look::Facts => (What::Facts, None, None),
        Look::Packages { to } => (What::Packages, Some(to), None),
        Look::KubeadmDiff { to } => (What::KubeadmDiff, Some(to), None),
        Look::EtcdHealth => (What::EtcdHealth, None, None),
        Look::ApiServer => (What::ApiServer, None, None),
        Look::Components => (What::Components, None, None),
        Look::Images { to } => (What::Images, Some(to), None),
        Look::Devices => (What::Devices, None, None),
        Look::Manifests => (What::Manifests, None, None),
        Look::Backup { run } => (What::Backup, None, Some(run)),
        Look::Survey { to } => (What::Survey, Some(to), None),
        Look::BackupFiles => (What::BackupFiles, None, None),
        Look::BackupPart { .. } => (What::BackupPart, None, None),
        Look::BcmVersions => (What::BcmVersions, None, None),
        Look::BcmClusterVersion => (What::BcmClusterVersion, None, None),
        Look::BcmApplications => (What::BcmApplications, None, None),
        Look::BcmHead => (What::BcmHead, None, None),
        Look::BcmClusters => (What::BcmClusters, None, None),
        Look::BcmNodes => (What::BcmNodes, None, None),
        Look::BcmImages => (What::BcmImages, None, None),
        Look::BcmImage { .. } => (What::BcmImage, None, None),
        Look::BcmExcludes { .. } => (What::BcmExcludes, None, None),
        Look::BcmProvisioning => (What::BcmProvisioning, None, None),
        Look::BcmSync { .. } => (What::BcmSync, None, None),
        Look::SiteChecks => (What::SiteChecks, None, None),
        Look::Proxy => (What::Proxy, None, None),
        Look::Certificates => (What::Certificates, None, None),
        Look::Deletion { .. } => (What::Deletion, None, None),
    };
    let (image, node) = match look {
        Look::BcmImage { image } => (Some(image.to_string()), None),
        Look::BcmExcludes { node } | Look::BcmSync { node } => (None, Some(node.to_string())),
        _ => (None, None),
    };
    let (path, offset, recipients) = match look {
        Look::BackupPart { path, offset, recipients } => (path.clone(), *offset, recipients.clone()),
        _ => Default::default(),
    };
    let (resource, namespace, name) = match look {
        Look::Deletion { object } => {
            (object.kind.to_string(), object.namespace.to_string(), object.name.to_string())
        }
        _ => Default::default(),
    };
    let text = |o: Option<String>| o.unwrap_or_default();
    v1::Observe {
        what: what as i32,
        to: text(to.map(ToString::to_string)),
        run: text(run.map(ToString::to_string)),
        path,
        offset,
        recipients,
        image: text(image),
        node: text(node),
        resource,
        namespace,
        name,
    }
}

pub(super) fn look_from_wire(o: &v1::Observe) -> Result<Look, WireError> {
    let what = What::try_from(o.what).map_err(|e| WireError::new("observe.what", e))?;
    Ok(match what {
        What::Unspecified => return Err(WireError::missing("observe.what")),
        What::Facts => Look::Facts,
        What::Packages => Look::Packages { to: field("observe.to", &o.to)? },
        What::KubeadmDiff => Look::KubeadmDiff { to: field("observe.to", &o.to)? },
        What::EtcdHealth => Look::EtcdHealth,
        What::ApiServer => Look::ApiServer,
        What::Components => Look::Components,
        What::Images => Look::Images { to: field("observe.to", &o.to)? },
        What::Devices => Look::Devices,
        What::Manifests => Look::Manifests,
        What::Backup => Look::Backup { run: field::<RunId>("observe.run", &o.run)? },
        What::Survey => Look::Survey { to: field("observe.to", &o.to)? },
        What::BackupFiles => Look::BackupFiles,
        What::BcmVersions => Look::BcmVersions,
        What::BcmClusterVersion => Look::BcmClusterVersion,
        What::BcmApplications => Look::BcmApplications,
        What::BcmHead => Look::BcmHead,
        What::BcmClusters => Look::BcmClusters,
        What::BcmNodes => Look::BcmNodes,
        What::BcmImages => Look::BcmImages,
        What::BcmImage => Look::BcmImage { image: field("observe.image", &o.image)? },
        What::BcmExcludes => Look::BcmExcludes { node: field("observe.node", &o.node)? },
        What::BcmProvisioning => Look::BcmProvisioning,
        What::BcmSync => Look::BcmSync { node: field("observe.node", &o.node)? },
        What::SiteChecks => Look::SiteChecks,
        What::Proxy => Look::Proxy,
        What::Certificates => Look::Certificates,
        What::Deletion => Look::Deletion {
            object: DeletedObject {
                kind: field("observe.resource", &o.resource)?,
                namespace: field("observe.namespace", &o.namespace)?,
                name: field("observe.name", &o.name)?,
            },
        },
        What::BackupPart => Look::BackupPart {
            path: absolute("observe.path", &o.path)?,
            offset: o.offset,
            recipients: o.recipients.iter().map(|r| recipient(r)).collect::<Result<_, _>>()?,
        },
    })
}

fn absolute(name: &'static str, path: &str) -> Result<String, WireError> {
    let plain = path.starts_with('/') && !path.split('/').any(|part| matches!(part, "." | ".."));
    match plain {
        true => Ok(path.into()),
        false => Err(WireError::new(
            name,
            format!("{path:?} is not valid: expected an absolute path without . and .."),
        )),
    }
}

/// An age recipient is one word of printable characters. The agent checks whether the node knows it.
fn recipient(text: &str) -> Result<String, WireError> {
    let one_word = !text.is_empty() && text.len() <= 4096 && text.bytes().all(|b| b.is_ascii_graphic());
    let bad = || WireError::new("observe.recipients", format!("{text:?} is not valid: expected age1…"));
    one_word.then(|| text.to_string()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HostRequest, request_from_wire};

    #[test]
    fn every_look_survives_the_wire() {
        for look in Look::samples() {
            assert_eq!(request_from_wire(&look_to_wire(&look)), Ok(HostRequest::Look(look)));
        }
    }

    #[test]
    fn a_look_that_is_not_known_is_refused_by_name() {
        let observe = v1::Observe { what: 99, ..Default::default() };
        let refused = request_from_wire(&v1::Op { kind: Some(Kind::Observe(observe)) }).unwrap_err();
        assert_eq!(refused.field, "observe.what");
    }

    #[test]
    fn an_object_that_can_not_be_is_refused_by_its_field() {
        for (resource, namespace, name, want) in [
            ("pods", "ml", "a", "observe.resource"),
            ("services", "../ml", "a", "observe.namespace"),
            ("services", "", "a", "observe.namespace"),
            ("secrets", "ml", "a b", "observe.name"),
        ] {
            let (resource, namespace, name) = (resource.into(), namespace.into(), name.into());
            let what = What::Deletion as i32;
            let observe = v1::Observe { what, resource, namespace, name, ..Default::default() };
            let refused = request_from_wire(&v1::Op { kind: Some(Kind::Observe(observe)) }).unwrap_err();
            assert_eq!(refused.field, want, "{refused}");
        }
    }

    #[test]
    fn a_name_that_cmsh_would_interpret_is_refused_by_its_field() {
        for (what, image, node, want) in [
            (What::BcmImage, "a;commit", "", "observe.image"),
            (What::BcmImage, "", "", "observe.image"),
            (What::BcmExcludes, "", "dgx030; reboot", "observe.node"),
            (What::BcmSync, "", "`id`", "observe.node"),
        ] {
            let observe = v1::Observe {
                what: what as i32,
                image: image.into(),
                node: node.into(),
                ..Default::default()
            };
            let refused = request_from_wire(&v1::Op { kind: Some(Kind::Observe(observe)) }).unwrap_err();
            assert_eq!(refused.field, want, "{refused}");
        }
    }
}
