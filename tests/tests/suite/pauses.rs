//! What a pause prints is pressed once, in the state in which it is printed, and goes on: for each kind of cause of a pause.

use podlift_tests::{paused, pauses};

#[test]
fn each_printed_command_takes_the_run_to_its_end() {
    let mut failures = vec![];
    for (code, trouble) in pauses::ALL {
        match paused(pauses::pressed(*trouble)) {
            Ok(all) if all.iter().all(|reason| reason.code != *code) => {
                let codes: Vec<&str> = all.iter().map(|reason| reason.code.as_str()).collect();
                failures.push(format!("{trouble:?} was to pause with {code}, and paused with {codes:?}"));
            }
            // The approvals of a run are many; any other trouble is over once it is mended.
            Ok(all) if all.len() > 1 && *code != "approval" => {
                failures.push(format!("{code} paused {} times: {all:?}", all.len()));
            }
            Ok(all) => println!("{code}: {}", all[0].next),
            Err(why) => failures.push(format!("{code}: {why}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Codes of stops of steps that no pause above has, and why: each prints `podlift retry`, which other pauses press, unless it says more.
const ELSEWHERE: &[(&str, &str)] = &[
    ("earlier-lost", "the machine's own tests: a second loss within one attempt"),
    ("drain-refused", "drain_cases.rs; it prints podlift retry"),
    ("snapshot-damaged", "its op verifies the snapshot; the way on is an abort"),
    ("images-unseen", "it prints podlift retry"),
    ("images-missing", "scenario air-gapped"),
    ("not-in-backup", "the run defers that worker and does not pause"),
    ("api-server-behind", "a plan and a deferral refuse it before a step meets it"),
    ("kubeadm-config", "the text can't be parsed: a person edits it, then podlift retry"),
    ("kubelet-config", "the text can't be parsed: a person edits it, then podlift retry"),
    ("backup-incomplete", "it prints podlift retry"),
    ("node-gone", "it prints podlift retry"),
    ("odd-reply", "a fault of podlift"),
    ("bcm-sync-failed", "images/lies.rs"),
    ("bcm-no-effect", "images/lies.rs"),
    ("bcm-image-locked", "images/lies.rs"),
    ("sync-touches", "images/lies.rs"),
    ("sync-deletes", "the engine's own tests; it prints podlift attest and podlift retry"),
    ("sync-full", "images/amnesia.rs"),
    ("bcm-image-not-made", "the engine's own tests; it prints podlift abort, for a worker podlift defer"),
    ("bad-copy", "the engine's own tests: a sealed copy that can't be read"),
    ("calico-from-operator", "the engine's own tests; the next command is kubectl's"),
    ("deleted-again", "the engine's own tests; it prints podlift retry"),
    ("made-anew", "issues/secrets.rs and issues/services.rs"),
    ("no-copy", "the engine's own tests"),
    ("sealed-only", "issues/secrets.rs"),
    ("bcm-missing", "the engine's own tests; it prints podlift retry"),
    ("bcm-image-in-use", "the engine's own tests; it prints podlift retry"),
    ("bcm-image-exists", "the way on is an abort and a new plan"),
];

/// Each code that a step stops with is pressed above, or the list says why not.
#[test]
fn every_stop_of_a_step_is_pressed_or_listed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../coordinator/engine/src/steps");
    let mut codes = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let tested = path.to_string_lossy().ends_with("_tests.rs");
        for call in source.split("blocked(").skip(1).filter(|_| !tested) {
            let argument = call.trim_start();
            if let Some(code) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                codes.insert(code.to_string());
            }
        }
    }
    assert!(codes.len() >= 10, "{codes:?}");
    let met = |code: &&String| {
        let pressed = pauses::ALL.iter().any(|(c, _)| c == code);
        let listed = ELSEWHERE.iter().any(|(c, _)| c == code);
        pressed || listed
    };
    let missing: Vec<&String> = codes.iter().filter(|code| !met(code)).collect();
    assert!(missing.is_empty(), "neither pressed nor listed: {missing:?}");
}
