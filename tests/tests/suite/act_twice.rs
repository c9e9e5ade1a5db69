//! Every mutating op sent twice under its op id, and once more after the agent was killed: one effect, one outcome.

use podlift_tests::sabotage::Sabotage::None;
use podlift_tests::{paused, promises};

#[test]
fn an_op_is_done_once_however_often_it_is_sent() {
    assert_eq!(paused(promises::an_op_is_done_once_however_often_it_is_sent(None)), Ok(()));
}
