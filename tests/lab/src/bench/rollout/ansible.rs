//! The overhead of the peer: `ansible-playbook` with eight tasks that do nothing, over as many hosts, all of them this machine.

use anyhow::{Context as _, ensure};
use std::process::{Command, Stdio};
use std::time::Instant;

const TASKS: usize = 8;
const AT_ONCE: u32 = 50;

/// `None` where ansible-playbook is not installed.
pub fn seconds_per_node(hosts: u32) -> anyhow::Result<Option<f64>> {
    let program = "ansible-playbook";
    if Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let dir = tempfile::tempdir()?;
    let (inventory, playbook) = (dir.path().join("hosts"), dir.path().join("play.yaml"));
    let lines: String = (0..hosts).map(|i| format!("node{i:04} ansible_connection=local\n")).collect();
    let tasks = "  - ansible.builtin.command: /bin/true\n".repeat(TASKS);
    podlift_common::durable::write(&inventory, lines.as_bytes(), 0o600)?;
    let text = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    podlift_common::durable::write(&playbook, text.as_bytes(), 0o600)?;
    let began = Instant::now();
    let status = Command::new(program)
        .args(["--forks", &AT_ONCE.to_string(), "--inventory"])
        .args([&inventory, &playbook])
        .stdout(Stdio::null())
        .status()
        .context(program)?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(Some((began.elapsed().as_secs_f64() * 1000.0 / f64::from(hosts)).round() / 1000.0))
}
