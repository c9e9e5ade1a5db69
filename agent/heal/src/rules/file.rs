//! The file itself: unreadable, missing, of a kind that the heal never touches, or writable for others than root.

use super::{Finding, Fix, Kubelet, Situation};
use crate::ring::Choice;
use podlift_model::KubeVersion;
use podlift_model::heal::HealKind;
use podlift_model::op::Component;

pub(super) fn unreadable(component: Component, why: &str, now: &Situation<'_>) -> Finding {
    let what = format!("{} can't be read: {why}", component.file());
    let report = |why: &str| Finding::reported("unreadable", HealKind::Rescue, what.clone(), why);
    if now.kubeadm_running {
        return report("kubeadm runs");
    }
    match (&now.copy, now.settled) {
        (Choice::None, _) => report("no good copy of it is known"),
        (Choice::Other { wanted, newest }, _) => report(&no_version(*wanted, *newest)),
        (Choice::Copy(_), false) => report("somebody may be writing it: looked at again at the next tick"),
        (Choice::Copy(hash), true) => match may_restore(now) {
            Ok(()) => Finding::fixed("unreadable", HealKind::Rescue, what, Fix::Restore(hash.clone())),
            Err(why) => report(&why),
        },
    }
}

/// Allows a restore only if the kubelet can't read the file either and the copy does not lead to an etcd from which a person moved away.
fn may_restore(now: &Situation<'_>) -> Result<(), String> {
    match &now.kubelet {
        Kubelet::CantRead => now.no_copy.clone().map_or(Ok(()), Err),
        Kubelet::Runs => Err("the kubelet runs what is in it: only podlift can't read it".into()),
        Kubelet::Unasked => {
            Err("whether the kubelet can read it is not known yet: the container runtime is asked".into())
        }
        Kubelet::Unknown(why) => Err(format!(
            "whether the kubelet can read it is not known: the container runtime does not say ({why})"
        )),
    }
}

/// A missing manifest is no finding on a worker. It is only reported if a person may have moved it away to stop the component.
pub(super) fn missing(component: Component, now: &Situation<'_>) -> Option<Finding> {
    if now.copy == Choice::None {
        return None;
    }
    let what = format!("{} is missing", component.file());
    let report = |why: &str| Finding::reported("missing", HealKind::Rescue, what.clone(), why);
    Some(match (now.kubeadm_running, now.kubeadm_ended, &now.copy) {
        (true, ..) => report("kubeadm runs: it moves a manifest away before it moves the new one in"),
        (false, false, _) => report("no kubeadm of a run did it: somebody stops the component on purpose?"),
        (false, true, Choice::Copy(hash)) => match &now.no_copy {
            None => Finding::fixed("missing", HealKind::Rescue, what, Fix::Restore(hash.clone())),
            Some(why) => report(why),
        },
        (false, true, Choice::Other { wanted, newest }) => report(&no_version(*wanted, *newest)),
        (false, true, Choice::None) => return None,
    })
}

fn no_version(wanted: KubeVersion, newest: Option<KubeVersion>) -> String {
    let newest = newest.map_or("another version".into(), |v| v.to_string());
    format!("no good copy of {wanted} is kept (the newest is of {newest}); put it back from the run's backup")
}

/// A finding if others than root can write the file. kubeadm makes it 0600, root:root; a change of mode or owner restarts nothing.
pub(super) fn open_to_others(component: Component, now: &Situation<'_>) -> Option<Finding> {
    let access = now.access?;
    let (own, mode) = (access.uid != 0 && access.uid != access.own_uid, access.mode & !0o022);
    let what = match (own, mode != access.mode) {
        (false, false) => return None,
        (true, false) => format!("{} belongs to uid {}, expected root", component.file(), access.uid),
        (false, true) => {
            format!("{} can be written by others than root (mode {:04o})", component.file(), access.mode)
        }
        (true, true) => format!(
            "{} belongs to uid {} and can be written by others than its owner (mode {:04o})",
            component.file(),
            access.uid,
            access.mode
        ),
    };
    Some(match now.armed {
        true => Finding::fixed("mode", HealKind::Hygiene, what, Fix::Secure { mode, own }),
        false => Finding::reported("mode", HealKind::Hygiene, what, super::STEADY),
    })
}
