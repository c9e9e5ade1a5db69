//! `systemctl`, for the kubelet and containerd.

use super::{must, run};
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use std::time::Duration;

/// Reloads unit files and drop-ins first, because the packages bring new ones.
pub async fn restart_kubelet(host: &Host) -> Result<(), Failure> {
    must(host, &Invocation::new("systemctl", ["daemon-reload"])).await?;
    let call = Invocation::new("systemctl", ["restart", "kubelet"]).timeout(Duration::from_secs(120));
    must(host, &call).await.map(drop)
}

/// The state: `active`, `activating`, `failed`, …
pub async fn kubelet_state(host: &Host) -> Result<String, Failure> {
    let output = run(host, &Invocation::new("systemctl", ["is-active", "kubelet"])).await?;
    Ok(output.stdout.trim().to_string())
}

/// Whether one of the units runs, or waits for its timer.
pub async fn any_active(host: &Host, units: &[&str]) -> Result<bool, Failure> {
    let args = ["is-active"].iter().chain(units).copied();
    let output = run(host, &Invocation::new("systemctl", args)).await?;
    Ok(output.stdout.lines().any(|state| matches!(state.trim(), "active" | "activating" | "reloading")))
}

/// When the kubelet last started, on the boot clock; `None` if systemd does not report it.
pub async fn kubelet_since(host: &Host) -> Option<Duration> {
    let call =
        Invocation::new("systemctl", ["show", "-p", "ActiveEnterTimestampMonotonic", "kubelet.service"]);
    let text = must(host, &call).await.ok()?;
    let (_, value) = text.trim().split_once('=')?;
    value.parse().ok().filter(|us| *us > 0).map(Duration::from_micros)
}

/// The kubelet's main process; `None` if it does not run.
pub async fn kubelet_pid(host: &Host) -> Result<Option<u32>, Failure> {
    main_pid(host, "kubelet.service").await
}

/// The main process of a service; `None` if it does not run.
pub async fn main_pid(host: &Host, unit: &str) -> Result<Option<u32>, Failure> {
    let call = Invocation::new("systemctl", ["show", unit, "-p", "MainPID", "--value"]);
    let text = must(host, &call).await?;
    let pid = text.trim().parse::<u32>().map_err(|_| {
        let message =
            format!("systemctl printed {:?} as the MainPID of {unit}, expected a number", text.trim());
        Failure::operator("systemctl-answer", message)
    })?;
    Ok(Some(pid).filter(|pid| *pid > 0))
}
