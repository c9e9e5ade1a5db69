//! Work until it is over or is interrupted. What was started is dropped with the work, and with it every process.

use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

pub fn until_interrupted(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    podlift_common::telemetry::init("warn", podlift_common::telemetry::LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            done = work => done,
            _ = int.recv() => Ok(interrupted()),
            _ = term.recv() => Ok(interrupted()),
        }
    })
}

fn interrupted() -> ExitCode {
    anstream::eprintln!("interrupted: the lab is taken down");
    ExitCode::from(130)
}
