//! The flags of the running kubelet: its own command line in `/proc`, independent of the present files.

use super::super::{Site, why};
use crate::systemctl;
use podlift_model::FlagSet;
use podlift_model::command::CommandLine;
use podlift_model::survey::Seen;
use std::path::Path;

pub async fn look(site: &Site<'_>) -> Seen<FlagSet> {
    let pid = systemctl::kubelet_pid(&site.host).await.map_err(why)?;
    let pid = pid.ok_or("the kubelet does not run")?;
    let path = format!("/proc/{pid}/cmdline");
    let bytes = site.files().read(Path::new(&path)).map_err(|e| format!("{path}: {e}"))?;
    of(&bytes).map_err(|why| format!("{path}: {why}"))
}

/// Parses words that end with a zero byte.
fn of(bytes: &[u8]) -> Result<FlagSet, String> {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.strip_suffix('\0').unwrap_or(&text).split('\0').collect();
    if text.is_empty() {
        return Err("it is empty: the process is ending".into());
    }
    let read = CommandLine::read("kubelet", &words).map_err(|opaque| opaque.to_string())?;
    Ok(FlagSet::from(&read))
}
