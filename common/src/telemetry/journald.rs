//! Logs to systemd's journal, if stderr is connected to it: the same line with its fields, instead of text that must be parsed again.
//! Fields of spans and events are `PODLIFT_RUN`, `PODLIFT_NODE`, `PODLIFT_STEP`, `PODLIFT_OP_ID`, `PODLIFT_EPOCH` and so on. The journal
//! replaces stderr; with both, every line would appear twice.
#![allow(clippy::disallowed_methods)] // systemd names the stream in the environment, before any configuration is read

use super::Boxed;
use nix::sys::stat::fstat;
use tracing_subscriber::layer::Layer as _;

/// Prefix of the field names.
const PREFIX: &str = "PODLIFT";

/// `None` if stderr is not connected to the journal, or if the journal's socket is not usable.
pub(super) fn layer() -> Option<Boxed> {
    let said = std::env::var("JOURNAL_STREAM").ok()?;
    let stderr = fstat(std::io::stderr()).ok()?;
    if !is_stream(&said, stderr.st_dev, stderr.st_ino) {
        return None;
    }
    let journal = tracing_journald::layer().ok()?;
    Some(journal.with_field_prefix(Some(PREFIX.into())).boxed())
}

/// `JOURNAL_STREAM` is `DEVICE:INODE` of the stream that systemd connected. A child with another stderr still inherits the variable.
fn is_stream(said: &str, device: u64, inode: u64) -> bool {
    let Some((d, i)) = said.split_once(':') else { return false };
    d.parse() == Ok(device) && i.parse() == Ok(inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stream_that_systemd_connected() {
        assert!(is_stream("8:123", 8, 123));
        for said in ["8:124", "9:123", "", "8", "8:", ":123", "8:123:1", "a:b"] {
            assert!(!is_stream(said, 8, 123), "{said}");
        }
    }
}
