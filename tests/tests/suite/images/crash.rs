//! The agent of the head node and the coordinator are killed along the way of the images and of one worker's update.

use super::failover::begins;
use crate::crash_everywhere::{strike_all, unstruck};
use podlift_lab::HEAD_NODE;
use podlift_tests::crash::{Strike, When, with_images};
use podlift_tests::cut::Side::{self, After, Before};
use podlift_tests::pod::Victim::{Coordinator, Head};

/// At each second line of the head agent's own ledger, from this one on. An op writes three lines, so each of them is struck in every second
/// op.
fn at_lines(side: Side, first: u64, memory_lost: bool) {
    let base = unstruck(with_images);
    let lines = base.lines.iter().find(|(node, _)| node == HEAD_NODE).map_or(0, |(_, lines)| *lines);
    let strike = |n: u64| Strike { when: When::Ledger(HEAD_NODE.into(), n, side), victim: Head, memory_lost };
    let lines: Vec<u64> = (first..=lines).step_by(2).collect();
    assert!(lines.len() > 20, "the head's agent wrote {lines:?}");
    strike_all(with_images, &base, lines.len() / 2, lines.iter().copied().map(strike));
}

/// At the record which begins each step of the head node, or at the one after it.
fn at_records(after_begin: u64, side: Side) {
    let base = unstruck(with_images);
    let strike = |n: u64| Strike {
        when: When::Journal(n + after_begin, side),
        victim: Coordinator,
        memory_lost: false,
    };
    let begins = begins(&base);
    strike_all(with_images, &base, begins.len() / 2, begins.iter().copied().map(strike));
}

#[test]
fn head_agent_before_a_line() {
    at_lines(Before, 1, false);
}

#[test]
fn head_agent_after_a_line() {
    at_lines(After, 2, false);
}

#[test]
fn memory_of_the_head_agent_lost_after_a_line() {
    at_lines(After, 1, true);
}

#[test]
fn coordinator_before_an_end_at_the_head() {
    at_records(1, Before);
}

#[test]
fn coordinator_after_a_begin_at_the_head() {
    at_records(0, After);
}
