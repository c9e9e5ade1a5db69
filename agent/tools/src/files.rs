//! Shared failures about the node's own files and disk.

use podlift_host::Files;
use podlift_model::{Failure, codes};
use std::io;
use std::path::Path;

/// The failure for an error of the node's own files.
pub fn file_failure(path: &Path, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::StorageFull { codes::DISK_FULL } else { "file-failed" };
    Failure::operator(code, format!("{}: {error}; look at the file and its filesystem", path.display()))
}

/// Checks the free space below /var for packages and images.
pub fn free_space(files: &dyn Files, wanted: u64) -> Result<(), Failure> {
    let var = Path::new("/var");
    let free = files.free_bytes(var).map_err(|e| file_failure(var, &e))?;
    if free >= wanted {
        return Ok(());
    }
    let mib = |bytes: u64| bytes >> 20;
    let message = format!(
        "/var has {} MiB free, expected at least {} MiB (ops.free_bytes); free space there",
        mib(free),
        mib(wanted)
    );
    Err(Failure::operator(codes::DISK_FULL, message))
}
