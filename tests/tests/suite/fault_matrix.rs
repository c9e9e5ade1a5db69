//! Each verb of the API × each way of failing × each kind of step: no run ends where no documented command goes on.

use podlift_tests::fault_matrix::{Answer, Begin, Came, VERBS, begins, one};
use podlift_tests::paused;

/// In the environment: every combination is tried, also of steps that act by an agent's op.
const WHOLE: &str = "PODLIFT_WHOLE_MATRIX";

/// All combinations of an answer.
fn all_of(answer: Answer) {
    let begins = paused(begins()).unwrap_or_else(|why| panic!("a run without faults: {why}"));
    assert!(begins.len() >= 25, "only {} kinds of step: {begins:?}", begins.len());
    let (mut counts, mut failures) = ([0_usize; 3], vec![]);
    let whole = std::env::var_os(WHOLE).is_some();
    for (place, begin) in begins.iter().enumerate() {
        let Begin { step, record, verbs, .. } = begin;
        for verb in verbs.iter().filter(|v| whole || begin.is_always_tried(place, v, answer)) {
            match paused(one(verb, answer, *record)) {
                Ok(Came::Untouched) => counts[0] += 1,
                Ok(Came::Through) => counts[1] += 1,
                Ok(Came::Pressed) => counts[2] += 1,
                Err(why) => failures.push(format!("{verb}answers {answer:?} from {step} on: {why}")),
            }
        }
    }
    let [untouched, through, pressed] = counts;
    let (all, runs) = (begins.len() * VERBS.len(), untouched + through + pressed + failures.len());
    println!(
        "{answer:?}: {} kinds of step × {} verbs = {all}, of which {runs} are tried: {through} runs went through, {pressed} paused and went on with the printed command, {untouched} were not hit, {} are stuck",
        begins.len(),
        VERBS.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{} of {runs} runs:\n{}", failures.len(), failures.join("\n"));
    assert!(through + pressed > 20, "only {} runs were hit: the matrix tests nothing", through + pressed);
}

#[test]
fn too_many_requests() {
    all_of(Answer::Busy);
}

#[test]
fn internal_errors() {
    all_of(Answer::Internal);
}

#[test]
fn unavailable() {
    all_of(Answer::Unavailable);
}

#[test]
fn timeouts() {
    all_of(Answer::Timeout);
}

#[test]
fn resets() {
    all_of(Answer::Reset);
}
