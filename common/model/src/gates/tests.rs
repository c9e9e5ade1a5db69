//! Every gate of the data file, both values, on every minor that has a column.

use super::generate::data;
use super::{Verdict, fatal_text, known, verdict};
use crate::version::Minor;

fn minor(text: &str) -> Minor {
    text.parse().unwrap()
}

/// `effect_on_1.32` of the data file was derived from the sources, not from our table.
#[test]
fn on_1_32_every_gate_does_what_the_sources_say() {
    let mut seen = [0; 3];
    for (gate, row) in &data().gates {
        for value in [true, false] {
            let (got, want) = (verdict(gate, value, minor("v1.32")), &row.effect[&value.to_string()]);
            let (outcome, text) = match got {
                Verdict::Fine | Verdict::Alpha => ("ok", None),
                Verdict::Warning(text) => ("warn", Some(text)),
                Verdict::Locked(text) | Verdict::Removed(text) => ("fatal", Some(text)),
                other => panic!("{gate}={value}: {other:?}"),
            };
            assert_eq!(
                (outcome, text.as_deref()),
                (want.outcome.as_str(), want.text.as_deref()),
                "{gate}={value}"
            );
            seen[["ok", "warn", "fatal"].iter().position(|o| *o == outcome).unwrap()] += 1;
        }
    }
    assert_eq!(seen, [272, 53, 67]);
}

#[test]
fn later_minors_are_uncertain_where_the_sources_are() {
    let uncertain =
        |gate: &str, value, on: &str| matches!(verdict(gate, value, minor(on)), Verdict::Uncertain(_));
    for gate in [
        "CPUManager",
        "ElasticIndexedJob",
        "PersistentVolumeLastPhaseTransitionTime",
        "PodDisruptionConditions",
        "StatefulSetStartOrdinal",
        "VolumeCapacityPriority",
    ] {
        assert!(uncertain(gate, true, "v1.33") && uncertain(gate, false, "v1.33"), "{gate}");
        assert!(matches!(verdict(gate, true, minor("v1.34")), Verdict::Removed(_)), "{gate}");
    }
    // A published list has the first as locked from 1.33; the second was seen locked in a tree of 1.34's development.
    assert!(matches!(verdict("SidecarContainers", false, minor("v1.33")), Verdict::Locked(_)));
    assert_eq!(verdict("NodeSwap", false, minor("v1.33")), Verdict::Fine);
    assert!(uncertain("NodeSwap", false, "v1.34") && !uncertain("NodeSwap", true, "v1.34"));
    // A gate that was added after 1.32, and one that no list of the later cycles has.
    assert!(matches!(verdict("ContainerStopSignals", true, minor("v1.32")), Verdict::Removed(_)));
    assert!(uncertain("ContainerStopSignals", true, "v1.34") && uncertain("WatchListClient", true, "v1.33"));
}

/// States the expected result in terms of the data file, independently of its translation into states.
#[test]
fn on_1_33_and_1_34_every_gate_follows_the_lists() {
    for (gate, row) in &data().gates {
        for later in ["v1.33", "v1.34"] {
            let name = &later[1..];
            let either =
                later == "v1.33" && row.removed_in.as_deref().is_some_and(|r| r.starts_with("1.33-or-1.34"));
            let lock = row.locked_from_later.as_deref().filter(|l| &l[..4] <= name);
            for value in [true, false] {
                let got = verdict(gate, value, minor(later));
                let fits = match (row.known[&format!("{name}-dev")], lock) {
                    (None, _) => matches!(got, Verdict::Uncertain(_)),
                    (Some(false), _) => got == Verdict::Removed(format!("unrecognized feature gate: {gate}")),
                    _ if either => matches!(got, Verdict::Uncertain(_)),
                    (_, Some(l)) if !value && l.contains("seen") => matches!(got, Verdict::Uncertain(_)),
                    (_, Some(_)) if !value => matches!(got, Verdict::Locked(_) | Verdict::Uncertain(_)),
                    _ => {
                        got == verdict(gate, value, minor("v1.32"))
                            || matches!(got, Verdict::Fine | Verdict::Warning(_))
                    }
                };
                assert!(fits, "{gate}={value} on {later}: {got:?}");
            }
        }
    }
    assert_eq!(
        fatal_text("AppArmor", true, minor("v1.33")).as_deref(),
        Some("unrecognized feature gate: AppArmor")
    );
    assert_eq!(fatal_text("KMSv2", true, minor("v1.31")), None);
}

#[test]
fn what_is_not_listed_is_never_called_fatal() {
    for (gate, on) in [("NoSuchGate", "v1.32"), ("KMSv2", "v1.30"), ("KMSv2", "v1.35"), ("KMSv2", "v2.32")] {
        assert_eq!(verdict(gate, true, minor(on)), Verdict::Unlisted, "{gate} on {on}");
    }
}

#[test]
fn texts_of_the_runbooks_cases() {
    let cases = [
        ("KMSv2", true, Some("unrecognized feature gate: KMSv2")),
        ("KMSv2", false, Some("unrecognized feature gate: KMSv2")),
        (
            "MemoryManager",
            false,
            Some("cannot set feature gate MemoryManager to false, feature is locked to true"),
        ),
        ("MemoryManager", true, None),
        ("MaxUnavailableStatefulSet", true, None),
    ];
    for (gate, value, want) in cases {
        assert_eq!(fatal_text(gate, value, minor("v1.32")).as_deref(), want, "{gate}={value}");
    }
    assert_eq!(verdict("MaxUnavailableStatefulSet", true, minor("v1.32")), Verdict::Alpha);
    assert!(known().count() > 230);
}
