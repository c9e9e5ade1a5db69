//! The identity rules as a table.

use super::*;
use crate::dispatch::registry::Kubelet;
use crate::testing::name;

fn machine(id: &str, boot: &str) -> Machine {
    Machine { id: id.into(), boot: boot.into() }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn heard(id: &str, boot: &str, alive: bool) -> Heard {
    Heard { machine: machine(id, boot), at: at(0), alive }
}

fn kubelet(id: &str, boot: &str, alive: bool) -> Registered {
    let (machine, boot, address) = (id.into(), boot.into(), "10.1.0.30".into());
    Registered::As(Kubelet { machine, boot, address, alive, control_plane: false })
}

#[test]
fn a_live_session_is_replaced_by_its_own_machine_alone() {
    for (new, last, want) in [
        (machine("", "b1"), heard("m1", "b1", true), "welcome"),
        (machine("m1", "b1"), heard("m1", "b1", true), "welcome"),
        (machine("m1", "b1"), heard("m1", "b1", false), "welcome"),
        (machine("m2", "b9"), heard("m1", "b1", true), "refused"),
        (machine("m2", "b1"), heard("m1", "b1", true), "refused"),
        // A clone that kept the machine id, or a machine that restarted within three heartbeats and tries again.
        (machine("m1", "b2"), heard("m1", "b1", true), "refused"),
        (machine("m1", "b2"), heard("m1", "b1", false), "ask"),
        (machine("m2", "b9"), heard("m1", "b1", false), "ask"),
        (machine("m2", "b9"), heard("", "b1", true), "ask"),
    ] {
        let got = match before_asking(&name("dgx030"), &new, Some(&last)) {
            First::Welcome => "welcome",
            First::Refused(_) => "refused",
            First::Ask => "ask",
        };
        assert_eq!(got, want, "{new:?} after {last:?}");
    }
    assert_eq!(before_asking(&name("dgx030"), &machine("m1", "b1"), None), First::Ask);
}

#[test]
fn the_node_object_tells_a_machine_that_was_made_anew_from_a_second_one() {
    let new = machine("m2", "b9");
    for (registered, fine) in [
        (kubelet("m2", "b9", true), true),
        (kubelet("m2", "b8", true), true),
        (kubelet("m1", "b1", false), true),
        (kubelet("m1", "b1", true), false),
        // The machine id changed while the kubelet ran. The same boot is the same machine.
        (kubelet("m1", "b9", true), true),
        (kubelet("", "", true), true),
        (Registered::Nobody, true),
        (Registered::Unknown("refused".into()), true),
    ] {
        let got = as_registered(&name("dgx030"), &new, None, &registered, at(1));
        assert_eq!(got.is_ok(), fine, "{registered:?}");
    }
}

#[test]
fn a_cluster_that_cannot_be_asked_locks_nobody_out_for_ever() {
    let (new, last) = (machine("m2", "b9"), heard("m1", "b1", false));
    let unknown = Registered::Unknown("connection refused".into());
    let judged = |now| as_registered(&name("dgx030"), &new, Some(&last), &unknown, at(now));
    let refused = judged(30).unwrap_err();
    assert!(
        refused.known.contains("connection refused") && refused.known.contains("30 s ago"),
        "{refused:?}"
    );
    assert!(judged(599).is_err() && judged(600).is_ok());
    let rebooted = machine("m1", "b2");
    assert!(as_registered(&name("dgx030"), &rebooted, Some(&last), &unknown, at(1)).is_ok());
}

#[test]
fn a_refusal_names_both_machines_and_what_to_do() {
    let new = machine("m2", "b9");
    let refused = as_registered(&name("dgx030"), &new, None, &kubelet("m1", "b1", true), at(1)).unwrap_err();
    let status = podlift_common::wire::to_status(&refused);
    assert_eq!(status.code(), Code::AlreadyExists);
    for part in ["m2 (boot b9)", "m1 (boot b1)", "dgx030", "10.1.0.30", "systemd-machine-id-setup"] {
        assert!(status.message().contains(part), "{part}: {}", status.message());
    }
}
