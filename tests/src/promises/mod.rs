//! One promise a file. Each says in its name what is kept, and fails with what was broken.

mod abort;
mod approval;
mod components;
mod cordons;
mod devices;
mod epochs;
mod guard;
mod holds;
mod intent;
mod journal;
mod moved_etcd;
mod outcomes;
mod secrets;
mod sign_off;
mod steps;
mod swap;
mod twice;
mod whole;

pub use abort::an_abort_returns_cordons_holds_and_guards;
pub use approval::only_an_approval_approves;
pub use components::every_component_is_looked_at;
pub use cordons::{a_blocked_drain_pauses, a_foreign_cordon_stays};
pub use devices::devices_are_back_before_a_node_works_again;
pub use epochs::an_older_epoch_commands_nothing;
pub use guard::hygiene_only_inside_the_guard;
pub use holds::holds_survive_failed_installations;
pub use intent::nothing_happens_that_was_not_intended_first;
pub use journal::a_tampered_journal_is_refused;
pub use moved_etcd::nothing_goes_back_to_an_etcd_that_was_left;
pub use outcomes::outcomes_may_come_as_they_like;
pub use secrets::no_private_key_leaves_in_clear;
pub use sign_off::skipped_is_not_passed;
pub use steps::{BREAKS, a_failed_step_pauses_and_resumes, kind};
pub use swap::a_heal_never_overwrites_a_newer_file;
pub use twice::an_op_is_done_once_however_often_it_is_sent;
pub use whole::{
    a_lying_exit_code_is_seen_through, guards_save_each_node, the_bad_night_does_not_happen, upgraded,
};
