//! Coordinator, agents and power are cut at every moment from the loss on, while services and certificates are made again: at the end they
//! are as after a run that was never struck.

use crate::crash_everywhere::{strike_all, unstruck};
use podlift_lab::World;
use podlift_tests::crash::{Strike, When};
use podlift_tests::cut::Side::{After, Before};
use podlift_tests::pod::Pod;
use podlift_tests::pod::Victim::{self, Both, Coordinator, Power};
use podlift_tests::robbed::{lose_secrets, lose_service, rob, runbook};

/// Blows of a suite that fall.
const LEAST: usize = 10;

fn lose(world: &World) {
    lose_service(world);
    lose_secrets(world);
}

fn robbed() -> Pod {
    let pod = runbook();
    rob(&pod, lose);
    pod
}

/// From the restart of the kubelet on, at which the loss happens.
fn along_the_repairs(victim: Victim, when: impl Fn(u64) -> When) {
    let base = unstruck(robbed);
    let restart = base.steps.iter().find(|s| s.step.ends_with("runai-01/kubelet-restart"));
    let first = restart.map_or(1, |s| s.record);
    let moments: Vec<u64> = base.moments.iter().copied().filter(|n| *n >= first).collect();
    println!("{} moments in {} records", moments.len(), base.records - first + 1);
    let strikes = moments.iter().map(|n| Strike { when: when(*n), victim, memory_lost: false });
    strike_all(robbed, &base, LEAST, strikes);
}

#[test]
fn coordinator_before_a_moment_of_the_repairs() {
    along_the_repairs(Coordinator, |n| When::Journal(n, Before));
}

#[test]
fn coordinator_after_a_moment_of_the_repairs() {
    along_the_repairs(Coordinator, |n| When::Journal(n, After));
}

#[test]
fn both_in_the_middle_of_the_repairs() {
    along_the_repairs(Both, When::During);
}

#[test]
fn power_in_the_middle_of_the_repairs() {
    along_the_repairs(Power, When::During);
}
