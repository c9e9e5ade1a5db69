//! What a set could not take, as a failure of the coordinator's: which member, why, and that it stops a run.

use podlift_backup::WriteError;
use podlift_model::{Failure, NodeName};

/// A member is missing, empty or damaged.
pub(super) const INCOMPLETE: &str = "backup-incomplete";
/// A set that is there is not what was sealed.
pub(super) const DAMAGED: &str = "backup-damaged";
pub(super) const IO: &str = "backup-io";
/// An agent that gives out no secret, for want of somebody to encrypt it to.
pub(super) const NO_RECIPIENTS: &str = "no-recipients";
const IN_CLEAR: &str = "secret-in-clear";
const FORBIDDEN: &str = "backup-forbidden";

pub(super) fn incomplete(what: impl Into<String>) -> Failure {
    Failure::operator(INCOMPLETE, what)
}

/// What `node` keeps to itself, and what to do.
pub(super) fn no_recipients(node: &NodeName) -> Failure {
    let text = format!(
        "the agent of {node} gives out no key, no kubeconfig and no etcd snapshot: its own configuration names nobody to encrypt them to. On {node}: recipients = [\"age1…\"] in [backup] of /etc/podlift/agent.toml (public keys as age-keygen prints them), systemctl restart podlift-agent, then again"
    );
    Failure::operator(NO_RECIPIENTS, text)
}

pub(super) fn write(error: WriteError) -> Failure {
    let text = error.to_string();
    match error {
        WriteError::Exists(_) => Failure::operator("backup-exists", text),
        WriteError::Name(_) => Failure::permanent("backup-name", text),
        WriteError::InClear(_) => Failure::operator(IN_CLEAR, text),
        WriteError::Path(_) | WriteError::Empty(_) | WriteError::Snapshot(..) | WriteError::Incomplete(_) => {
            incomplete(text)
        }
        WriteError::Io { .. } => Failure::operator(IO, text),
        WriteError::GivenUp => Failure::transient("backup-given-up", text),
    }
}

pub(super) fn io(what: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::operator(
        IO,
        format!("{}: {error}; look at the backup directory and its filesystem", what.display()),
    )
}

/// What the API said of `path`. A right that is missing does not come by waiting.
pub(super) fn api(path: &str, failure: Failure) -> Failure {
    if failure.code == "api-forbidden" {
        let text = format!(
            "{path} may not be read: {}; kubectl apply -f rbac.yaml (docs/backup.md)",
            failure.message
        );
        return Failure::operator(FORBIDDEN, text);
    }
    Failure { message: format!("{path}: {}", failure.message), ..failure }
}
