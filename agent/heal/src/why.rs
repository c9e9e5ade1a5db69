//! What a person can do: about a disk error, and about a manifest that was changed on purpose. Pure.

use podlift_model::op::Component;
use std::io;

/// The command with which a person declares that a changed manifest is right.
pub(crate) fn accept(node: &str, component: Component) -> String {
    format!("podlift heal accept {node} {component}")
}

/// The error, and the next step if one is known.
pub fn explain(error: &io::Error) -> String {
    let next = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "its filesystem is read-only: see dmesg, then mount -o remount,rw"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "there is no room: free some; it is tried again at every tick"
        }
        // EPERM also reaches root, if a file or its folder is immutable.
        io::ErrorKind::PermissionDenied if error.raw_os_error() == Some(1) => {
            "also root may not: see lsattr -d for an immutable file or folder"
        }
        io::ErrorKind::PermissionDenied => "see its owner and mode; the agent must run as root",
        _ => return error.to_string(),
    };
    format!("{error}; {next}")
}
