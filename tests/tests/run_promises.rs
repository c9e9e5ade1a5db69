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
