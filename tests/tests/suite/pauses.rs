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
