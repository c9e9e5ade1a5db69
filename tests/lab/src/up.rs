//! `podlift-lab up`: a lab that stays, with the environment to use it from another terminal.

use crate::size::Size;
use crate::supervisor::Lab;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the cluster is like and what happens in it: a name that `demo --list` shows, or the path of a file
    #[arg(long, value_name = "NAME|FILE", default_value = "bad-night")]
    scenario: String,
    #[command(flatten)]
    size: Size,
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    podlift_common::tls::install_provider();
    podlift_common::telemetry::init("warn", podlift_common::telemetry::LogFormat::Text);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let stays = async {
            let (lab, _, director) = crate::demo::prepare(&args.scenario, &args.size).await?;
            lab.ready().await?;
            anstream::println!("{}", environment(&lab)?);
            anstream::eprintln!("{}", hint(args));
            let failed = director.run(&lab).await;
            lab.stop().await;
            failed
        };
        // Dropping it ends every process.
        tokio::select! {
            ended = stays => ended.map(|()| ExitCode::SUCCESS),
            _ = int.recv() => Ok(gone()),
            _ = term.recv() => Ok(gone()),
        }
    })
}

fn gone() -> ExitCode {
    anstream::eprintln!("the lab is taken down");
    ExitCode::SUCCESS
}

/// Lines for a shell to source.
fn environment(lab: &Lab) -> anyhow::Result<String> {
    let bin = lab.write_podlift()?;
    let at = |path: &str| quoted(&lab.at(path).display().to_string());
    let lines = [
        format!("export PATH={}:\"$PATH\"", quoted(&bin.display().to_string())),
        format!("export KUBECONFIG={}", at("head/kubeconfig")),
        format!("export PODLIFT_LAB_METRICS={}", quoted(&lab.metrics())),
        format!("export PODLIFT_LAB_LOG={}", at("log")),
        format!("export PODLIFT_LAB_NODES={}", at("nodes")),
    ];
    Ok(lines.join("\n"))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn hint(args: &Args) -> String {
    format!(
        "\nThe lab stays until Ctrl-C. In another terminal, after these lines: podlift status; podlift upgrade --to {}; kubectl get nodes.\n\
         Logs are in $PODLIFT_LAB_LOG, the root of each node in $PODLIFT_LAB_NODES.",
        args.size.to
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        assert_eq!(super::quoted("/a b/it's"), "'/a b/it'\\''s'");
    }
}
