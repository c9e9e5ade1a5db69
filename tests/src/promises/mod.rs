//! One promise a file. Each says in its name what is kept, and fails with what was broken.

mod epochs;
mod guard;
mod holds;
mod swap;
mod twice;
mod whole;

pub use epochs::an_older_epoch_commands_nothing;
pub use guard::hygiene_only_inside_the_guard;
pub use holds::holds_survive_failed_installations;
pub use swap::a_heal_never_overwrites_a_newer_file;
pub use twice::an_op_is_done_once_however_often_it_is_sent;
pub use whole::{a_lying_exit_code_is_seen_through, guards_save_each_node, the_bad_night_does_not_happen, upgraded};
