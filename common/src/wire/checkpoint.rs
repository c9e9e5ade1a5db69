//! The op `checkpoint` on the wire.

use super::WireError;
use super::fields::field;
use podlift_model::checkpoint::LONGEST_SECONDS;
use podlift_model::{HostOp, PodRef};
use podlift_proto::v1;
use std::collections::BTreeSet;

/// Most pods of one op; a kubelet runs fewer.
const PODS: usize = 512;

pub(super) fn checkpoint_to_wire(pods: &[PodRef], seconds: u32) -> v1::Checkpoint {
    let pod = |pod: &PodRef| v1::PodRef {
        namespace: pod.namespace.to_string(),
        name: pod.name.to_string(),
        uid: pod.uid.to_string(),
    };
    v1::Checkpoint { pods: pods.iter().map(pod).collect(), seconds }
}

pub(super) fn checkpoint_from_wire(op: &v1::Checkpoint) -> Result<HostOp, WireError> {
    if !(1..=LONGEST_SECONDS).contains(&op.seconds) {
        let why = format!("{} is not valid: expected 1 to {LONGEST_SECONDS}", op.seconds);
        return Err(WireError::new("checkpoint.seconds", why));
    }
    if !(1..=PODS).contains(&op.pods.len()) {
        let why =
            format!("it has {}, expected 1 to {PODS}", podlift_model::count(op.pods.len() as u64, "pod"));
        return Err(WireError::new("checkpoint.pods", why));
    }
    let pods = op.pods.iter().map(pod).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    match pods.iter().find(|pod| !seen.insert(&pod.uid)) {
        Some(twice) => Err(WireError::new("checkpoint.pods", format!("pod {twice} is named twice"))),
        None => Ok(HostOp::Checkpoint { pods, seconds: op.seconds }),
    }
}

fn pod(pod: &v1::PodRef) -> Result<PodRef, WireError> {
    Ok(PodRef {
        namespace: field("checkpoint.pods.namespace", &pod.namespace)?,
        name: field("checkpoint.pods.name", &pod.name)?,
        uid: field("checkpoint.pods.uid", &pod.uid)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pod_or_too_much_is_refused_by_its_field() {
        let pod = |namespace: &str, name: &str, uid: &str| v1::PodRef {
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
        };
        let many = |n: usize| (0..n).map(|i| pod("ml", "train-0", &format!("u-{i}"))).collect::<Vec<_>>();
        let cases = [
            (many(1), 0, "checkpoint.seconds"),
            (many(1), 3601, "checkpoint.seconds"),
            (vec![], 60, "checkpoint.pods"),
            (many(513), 60, "checkpoint.pods"),
            (vec![pod("ml", "a", "u"), pod("ml", "b", "u")], 60, "checkpoint.pods"),
            (vec![pod("ML", "a", "u")], 60, "checkpoint.pods.namespace"),
            (vec![pod("ml", "a;b", "u")], 60, "checkpoint.pods.name"),
            (vec![pod("ml", "a", "../u")], 60, "checkpoint.pods.uid"),
            (vec![pod("ml", "a", "")], 60, "checkpoint.pods.uid"),
        ];
        for (pods, seconds, want) in cases {
            let error = checkpoint_from_wire(&v1::Checkpoint { pods, seconds }).unwrap_err();
            assert_eq!(error.field, want, "{error}");
        }
        for (n, seconds) in [(1, 1), (512, 3600)] {
            assert!(checkpoint_from_wire(&v1::Checkpoint { pods: many(n), seconds }).is_ok());
        }
    }
}
