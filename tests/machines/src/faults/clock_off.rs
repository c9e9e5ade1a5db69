//! The clock of one machine's agent is an hour behind (all machines share this machine's clock: libfaketime lies to one process).

use super::AGENT;
use crate::fleet::Fleet;
use anyhow::{Context as _, bail};
use serde_json::Value;

/// Before the machine boots.
pub fn clock_off(fleet: &Fleet, node: &str) -> anyhow::Result<()> {
    let machine = fleet.machine(node);
    let library = library(&machine.root()).context("libfaketime is not in the base tree")?;
    let text = format!(
        "[Service]\nEnvironment=LD_PRELOAD={library} FAKETIME=-3600 DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1\n"
    );
    machine.write(&format!("/etc/systemd/system/{AGENT}.d/clock.conf"), text, 0o644)
}

/// Its path differs by architecture.
fn library(root: &std::path::Path) -> Option<String> {
    let dirs = std::fs::read_dir(root.join("usr/lib")).ok()?.flatten();
    let found = dirs
        .map(|d| d.file_name().to_string_lossy().into_owned())
        .find(|name| root.join("usr/lib").join(name).join("faketime/libfaketimeMT.so.1").exists())?;
    Some(format!("/usr/lib/{found}/faketime/libfaketimeMT.so.1"))
}

/// `podlift plan` warns of it, and of no other node.
pub fn seen_by_preflight(plan: &Value, node: &str) -> anyhow::Result<String> {
    let findings = plan["findings"].as_array().cloned().unwrap_or_default();
    let clocks: Vec<&Value> = findings.iter().filter(|f| f["check"] == "clock-skew").collect();
    match clocks.as_slice() {
        [one] if one["node"] == node => Ok(format!("{node}: {}", one["evidence"])),
        _ => bail!("the preflight should warn of the clock of {node} alone: {findings:?}"),
    }
}
