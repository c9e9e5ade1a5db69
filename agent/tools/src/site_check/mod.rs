//! Site checks: scripts of the site in one folder of the head node, each with its settings beside it. They run as a user of their own, with a
//! kubeconfig of the site's choice, with bounds on time and output, and without a way to keep anything running.
//!
//! Script and settings are believed only if nobody but root can have written them. A script is read once, by the descriptor on which it was
//! judged; the interpreter gets those bytes as a sealed file, so what was judged is what runs.

mod argv;
mod find;
mod run;
mod settings;

pub use find::{Check, find, load};
pub use run::run;

use std::time::Duration;

/// The folder of the checks. Files that begin with a dot are skipped.
pub const FOLDER: &str = "/etc/podlift/checks.d";
/// The kubeconfig of the checks; they have none if it does not exist. It should be one that only reads.
pub const KUBECONFIG: &str = "/etc/podlift/checks.kubeconfig";
/// The user of the checks, which exists only while one runs.
const USER: &str = "podlift-check";

/// Most bytes of a script.
const SCRIPT_BYTES: usize = 1 << 20;
/// Most bytes of its settings.
const SETTINGS_BYTES: usize = 64 << 10;
/// Bytes that a script may print.
const OUTPUT_BYTES: usize = 1 << 20;
/// Bytes of the end of each output that are kept.
const KEPT_BYTES: usize = 16 << 10;
/// Time after which systemd ends a check whose agent did not.
const SPARE: Duration = Duration::from_secs(30);
