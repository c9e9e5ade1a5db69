//! What a whole run keeps to.

use podlift_tests::sabotage::Sabotage::None;
use podlift_tests::{paused, promises};

#[test]
fn the_bad_night_does_not_happen() {
    assert_eq!(paused(promises::the_bad_night_does_not_happen(None)), Ok(()));
}

#[test]
fn guards_save_each_node() {
    assert_eq!(paused(promises::guards_save_each_node(None)), Ok(()));
}

#[test]
fn a_lying_exit_code_is_seen_through() {
    assert_eq!(paused(promises::a_lying_exit_code_is_seen_through(None)), Ok(()));
}

#[test]
fn a_foreign_cordon_stays() {
    assert_eq!(paused(promises::a_foreign_cordon_stays(None)), Ok(()));
}

#[test]
fn a_blocked_drain_pauses() {
    assert_eq!(paused(promises::a_blocked_drain_pauses(None)), Ok(()));
}

#[test]
fn nothing_happens_that_was_not_intended_first() {
    assert_eq!(paused(promises::nothing_happens_that_was_not_intended_first(None)), Ok(()));
}

#[test]
fn a_tampered_journal_is_refused() {
    assert_eq!(paused(promises::a_tampered_journal_is_refused(None)), Ok(()));
}

#[test]
fn an_abort_returns_cordons_holds_and_guards() {
    assert_eq!(paused(promises::an_abort_returns_cordons_holds_and_guards()), Ok(()));
}

#[test]
fn outcomes_may_come_as_they_like() {
    use podlift_tests::link::Mischief;
    for mischief in [Mischief::Late, Mischief::Doubled, Mischief::Reordered] {
        assert_eq!(paused(promises::outcomes_may_come_as_they_like(mischief)), Ok(()), "{mischief:?}");
    }
}

#[test]
fn every_component_is_looked_at() {
    assert_eq!(paused(promises::every_component_is_looked_at(None)), Ok(()));
}

#[test]
fn devices_are_back_before_a_node_works_again() {
    assert_eq!(paused(promises::devices_are_back_before_a_node_works_again(None)), Ok(()));
}

#[test]
fn skipped_is_not_passed() {
    assert_eq!(paused(promises::skipped_is_not_passed(None)), Ok(()));
}

#[test]
fn only_an_approval_approves() {
    assert_eq!(paused(promises::only_an_approval_approves(None)), Ok(()));
}
