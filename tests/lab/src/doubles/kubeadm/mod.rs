//! kubeadm 1.31 and 1.32: version, config images, upgrade plan, diff, apply, node and their phases. It believes phase Running and a
//! changed hash, and nothing else: that is the exit-0 trap.

mod addons;
mod api;
mod apply;
mod certs;
mod coredns;
mod diff;
mod error;
mod images;
mod known_flags;
mod kubelet_config;
mod node;
mod phases;
mod plan;
mod policy;
mod preflight;
mod rename;
mod static_pods;
mod texts;
mod unified;
mod upload;
mod version;
mod wait;

use super::ctx::Ctx;
use super::words::Words;
use error::Failed;
use podlift_model::KubeVersion;

const VALUED: &[&str] = &[
    "-o",
    "--output",
    "--config",
    "--kubeconfig",
    "--patches",
    "--ignore-preflight-errors",
    "--skip-phases",
    "--kubernetes-version",
    "-v",
    "--v",
    "--image-repository",
    "--cri-socket",
    "--feature-gates",
];

/// The binary that is unpacked.
fn own_version(ctx: &Ctx) -> KubeVersion {
    ctx.version_of("kubeadm").unwrap_or(ctx.world.shape.from)
}

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let words = Words::of(args, VALUED);
    let ended = match (words.word(0), words.word(1), words.word(2)) {
        ("version", _, _) => version::run(ctx, &words),
        ("config", "images", "pull") => images::pull(ctx, &words).await,
        ("config", "images", "list") => images::list(ctx, &words),
        ("upgrade", "plan", to) => plan::run(ctx, &words, to).await,
        ("upgrade", "diff", to) => diff::run(ctx, to).await,
        ("upgrade", "apply", "phase") => addons::phase(ctx, &words, true).await,
        ("upgrade", "apply", to) => apply::run(ctx, &words, to).await,
        ("upgrade", "node", "phase") => node::phase(ctx, &words).await,
        ("upgrade", "node", _) => node::run(ctx, &words).await,
        _ => Err(Failed::new(format!("unknown command {:?} for \"kubeadm\"", words.words.join(" ")))),
    };
    match ended {
        Ok(()) => 0,
        Err(failed) => {
            failed.print(ctx);
            failed.code
        }
    }
}
