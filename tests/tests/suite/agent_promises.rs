//! What an agent keeps to by itself.

use podlift_tests::sabotage::Sabotage::None;
use podlift_tests::{paused, promises};

#[test]
fn an_older_epoch_commands_nothing() {
    assert_eq!(paused(promises::an_older_epoch_commands_nothing(None)), Ok(()));
}

#[test]
fn holds_survive_failed_installations() {
    assert_eq!(paused(promises::holds_survive_failed_installations(None)), Ok(()));
}

#[test]
fn hygiene_only_inside_the_guard() {
    assert_eq!(paused(promises::hygiene_only_inside_the_guard(None)), Ok(()));
}

#[test]
fn a_heal_never_overwrites_a_newer_file() {
    assert_eq!(paused(promises::a_heal_never_overwrites_a_newer_file(None)), Ok(()));
}

#[test]
fn nothing_goes_back_to_an_etcd_that_was_left() {
    assert_eq!(paused(promises::nothing_goes_back_to_an_etcd_that_was_left(None)), Ok(()));
}

#[test]
fn no_private_key_leaves_in_clear() {
    assert_eq!(paused(promises::no_private_key_leaves_in_clear(None)), Ok(()));
}
