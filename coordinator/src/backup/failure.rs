//! Failures of a set as the coordinator reports them: the member, the reason, and that it stops a run.

use podlift_backup::WriteError;
use podlift_model::{Failure, NodeName, codes};

/// A member is missing, empty or damaged.
pub(super) const INCOMPLETE: &str = codes::BACKUP_INCOMPLETE;
/// An existing set is not what was sealed.
pub(super) const DAMAGED: &str = codes::BACKUP_DAMAGED;
pub(super) const IO: &str = codes::BACKUP_IO;
/// An agent gives out no secrets because it has no recipient to encrypt them to.
pub(super) const NO_RECIPIENTS: &str = codes::NO_RECIPIENTS;
const IN_CLEAR: &str = "secret-in-clear";
const FORBIDDEN: &str = "backup-forbidden";

pub(super) fn incomplete(what: impl Into<String>) -> Failure {
    Failure::operator(INCOMPLETE, what)
}

/// The secrets that `node` does not give out, and the remedy.
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

/// A failure of the API for `path`. A missing right is an operator's failure, because waiting does not grant it.
pub(super) fn api(path: &str, failure: Failure) -> Failure {
    if failure.code == codes::API_FORBIDDEN {
        let text = format!(
            "{path} may not be read: {}; kubectl apply -f rbac.yaml (docs/backup.md)",
            failure.message
        );
        return Failure::operator(FORBIDDEN, text);
    }
    Failure { message: format!("{path}: {}", failure.message), ..failure }
}
