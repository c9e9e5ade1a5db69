//! Cut coordinator, agents, both, or the power: both after every record of the journal; each after every moment and every record that says what
//! a change has come to, and before the latter; before and after every line of each ledger, and in the middle of what began at its time; with
//! the agents' memory kept and lost. A run of one control-plane node and one worker, so that every position can be tried; and of two workers
//! of one job, along their path.

use podlift_tests::crash::{Baseline, Strike, When, baseline, gang, small};
use podlift_tests::cut::Side::{self, After, Before};
use podlift_tests::paused;
use podlift_tests::pod::Pod;
use podlift_tests::pod::Victim::{self, Agents, Both, Coordinator, Power};
use podlift_tests::sabotage::Sabotage;
use std::collections::BTreeSet;

/// Blows of a suite that fall.
const LEAST: usize = 21;

fn alone() -> Pod {
    Pod::new(small(), Sabotage::None)
}

pub fn unstruck(pod: fn() -> Pod) -> Baseline {
    paused(async { baseline(pod()).await }).unwrap_or_else(|why| panic!("a run that is never struck: {why}"))
}

/// Tries all of them, of which at least so many have to fall; says which failed and how many there were.
pub fn strike_all(pod: fn() -> Pod, base: &Baseline, least: usize, strikes: impl Iterator<Item = Strike>) {
    let (mut hits, mut failures) = (0, vec![]);
    for strike in strikes {
        match paused(async { strike.judge(pod(), base).await }) {
            Ok(true) => hits += 1,
            Ok(false) => {}
            Err(why) => failures.push(why),
        }
    }
    println!("{hits} blows fell, {} runs did not survive", failures.len());
    assert!(
        failures.is_empty(),
        "{} of {} runs:\n{}",
        failures.len(),
        hits + failures.len(),
        failures.join("\n")
    );
    assert!(hits >= least, "only {hits} blows fell: the suite tests nothing");
}

fn at_records(victim: Victim, side: Side, memory_lost: bool) {
    let base = unstruck(alone);
    let records: BTreeSet<u64> = match (side, victim) {
        (Before, _) => base.outcomes.iter().copied().collect(),
        (After, Both) if !memory_lost => (1..=base.records).collect(),
        // Where both end after every record, the others follow at each moment and after each outcome.
        (After, _) => base.moments.iter().chain(&base.outcomes).copied().collect(),
    };
    let strikes = records.into_iter().map(|n| Strike { when: When::Journal(n, side), victim, memory_lost });
    strike_all(alone, &base, LEAST, strikes);
}

fn during_records(victim: Victim, memory_lost: bool) {
    let base = unstruck(alone);
    strike_all(
        alone,
        &base,
        LEAST,
        base.moments.iter().map(|n| Strike { when: When::During(*n), victim, memory_lost }),
    );
}

fn at_lines(victim: Victim, side: Side, memory_lost: bool) {
    let base = unstruck(alone);
    let lines: Vec<(String, u64)> =
        base.lines.iter().flat_map(|(node, n)| (1..=*n).map(|i| (node.clone(), i))).collect();
    strike_all(
        alone,
        &base,
        LEAST,
        lines.into_iter().map(|(node, n)| Strike { when: When::Ledger(node, n, side), victim, memory_lost }),
    );
}

/// Each distinct moment of the workers' path: of records of one time, between which nothing happens that takes time, the first stands for all.
fn along_a_gang(victim: Victim, when: impl Fn(u64) -> When) {
    let base = unstruck(gang);
    let moments: Vec<u64> = base.moments.iter().copied().filter(|n| *n >= base.workers).collect();
    println!("{} moments in {} records", moments.len(), base.records - base.workers + 1);
    let strikes = moments.iter().map(|n| Strike { when: when(*n), victim, memory_lost: false });
    // At the ends of the validation and of the run nothing is in the middle, and lanes side by side end in another order now and then.
    strike_all(gang, &base, LEAST.max(moments.len() * 9 / 10), strikes);
}

#[test]
fn coordinator_before_a_moment_of_a_gang() {
    along_a_gang(Coordinator, |n| When::Journal(n, Before));
}

#[test]
fn coordinator_after_a_moment_of_a_gang() {
    along_a_gang(Coordinator, |n| When::Journal(n, After));
}

#[test]
fn agents_in_the_middle_of_a_gang() {
    along_a_gang(Agents, When::During);
}

#[test]
fn power_in_the_middle_of_a_gang() {
    along_a_gang(Power, When::During);
}

#[test]
fn coordinator_before_a_record() {
    at_records(Coordinator, Before, false);
}

#[test]
fn coordinator_after_a_record() {
    at_records(Coordinator, After, false);
}

#[test]
fn coordinator_in_the_middle() {
    during_records(Coordinator, false);
}

#[test]
fn agents_in_the_middle() {
    during_records(Agents, false);
}

#[test]
fn agents_before_a_line() {
    at_lines(Agents, Before, false);
}

#[test]
fn agents_after_a_line() {
    at_lines(Agents, After, false);
}

#[test]
fn both_before_a_record() {
    at_records(Both, Before, false);
}

#[test]
fn both_in_the_middle() {
    during_records(Both, false);
}

#[test]
fn both_after_a_record() {
    at_records(Both, After, false);
}

#[test]
fn power_in_the_middle() {
    during_records(Power, false);
}

#[test]
fn power_before_a_record() {
    at_records(Power, Before, false);
}

#[test]
fn power_after_a_line() {
    at_lines(Power, After, false);
}

#[test]
fn memory_lost_before_a_line() {
    at_lines(Agents, Before, true);
}

#[test]
fn memory_lost_after_a_line() {
    at_lines(Agents, After, true);
}

#[test]
fn power_before_a_line() {
    at_lines(Power, Before, false);
}

#[test]
fn power_after_a_record() {
    at_records(Power, After, false);
}

#[test]
fn memory_lost_after_a_record() {
    at_records(Both, After, true);
}

#[test]
fn memory_lost_in_the_middle() {
    during_records(Both, true);
}

#[test]
fn memory_and_power_lost_in_the_middle() {
    during_records(Power, true);
}
