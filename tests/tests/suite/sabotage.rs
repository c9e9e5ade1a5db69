//! Safeties taken away, one at a time, by decorating a port: the promise that each guards must be seen broken. A test that stays green
//! here guards nothing.

use podlift_tests::sabotage::Sabotage;
use podlift_tests::{Kept, paused, promises};
use std::future::Future;

/// The promise holds, and does not with its safety gone.
fn caught<F: Future<Output = Kept>>(sabotage: Sabotage, promise: impl Fn(Sabotage) -> F) {
    let broken = paused(promise(sabotage));
    println!("{sabotage:?}: {broken:?}");
    assert!(broken.is_err(), "{sabotage:?} went unnoticed");
}

#[test]
fn ledger_off() {
    caught(Sabotage::LedgerOff, promises::an_op_is_done_once_however_often_it_is_sent);
}

#[test]
fn epoch_unchecked() {
    caught(Sabotage::EpochUnchecked, promises::an_older_epoch_commands_nothing);
}

#[test]
fn hold_not_restored() {
    caught(Sabotage::HoldNotRestored, promises::holds_survive_failed_installations);
}

#[test]
fn exit_code_trusted() {
    caught(Sabotage::ExitCodeTrusted, promises::a_lying_exit_code_is_seen_through);
}

#[test]
fn compare_and_swap_off() {
    caught(Sabotage::CompareAndSwapOff, promises::a_heal_never_overwrites_a_newer_file);
}

#[test]
fn cordon_owner_ignored() {
    caught(Sabotage::CordonOwnerIgnored, promises::a_foreign_cordon_stays);
}

#[test]
fn drain_failure_ignored() {
    caught(Sabotage::DrainFailureIgnored, promises::a_blocked_drain_pauses);
}

#[test]
fn intent_after_act() {
    caught(Sabotage::IntentAfterAct, promises::nothing_happens_that_was_not_intended_first);
}

#[test]
fn guard_disarmed_late() {
    caught(Sabotage::GuardDisarmedLate, promises::hygiene_only_inside_the_guard);
}

#[test]
fn hash_chain_unchecked() {
    caught(Sabotage::HashChainUnchecked, promises::a_tampered_journal_is_refused);
}

#[test]
fn components_unseen() {
    caught(Sabotage::ComponentsUnseen, promises::every_component_is_looked_at);
}

#[test]
fn devices_unasked() {
    caught(Sabotage::DevicesUnasked, promises::devices_are_back_before_a_node_works_again);
}

#[test]
fn skipped_is_passed() {
    caught(Sabotage::SkippedIsPassed, promises::skipped_is_not_passed);
}

#[test]
fn resume_approves() {
    caught(Sabotage::ResumeApproves, promises::only_an_approval_approves);
}
