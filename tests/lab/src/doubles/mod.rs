//! Doubles of the tools on a node's command path: one file a tool, each a function of the World, the node, argv and environment. They
//! say and do what the recorded tools said and did, failures included; a double is never kinder than the facts.

pub mod apt;
mod apt_mark;
pub mod bcm;
mod containerd;
mod crictl;
mod crictl_exec;
mod crictl_images;
mod crictl_pods;
mod ctr;
mod ctx;
pub mod dpkg;
mod dpkg_query;
mod etcd;
mod kubeadm;
mod kubectl;
mod kubelet;
pub mod nft;
mod systemctl;
mod systemd_run;
mod words;

pub use ctx::{Caller, Ctx, HEAD, Live};

/// Number of the kubelet's process on every node.
pub const KUBELET_PID: &str = "4242";

use crate::world::bcm::build::IMAGES;
use crate::world::{FaultAction, Seen, World};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const NODE_TOOLS: &[&str] = &[
    "apt-get",
    "apt-mark",
    "apt-cache",
    "apt-config",
    "dpkg",
    "dpkg-deb",
    "dpkg-query",
    "kubeadm",
    "kubelet",
    "kubectl",
    "systemctl",
    "systemd-run",
    "crictl",
    "containerd",
    "ctr",
];
pub const ETCD_TOOLS: &[&str] = &["etcdctl", "etcdutl"];
/// Of control-plane nodes, too.
pub const FIREWALL_TOOLS: &[&str] = &["nft"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The tools that are installed on a node (or on the head node).
pub fn tools(world: &World, node: &str) -> Vec<&'static str> {
    if node == HEAD {
        let without = world.lock().bcm.switches.no_kubeadm_manage;
        return bcm::TOOLS.iter().filter(|t| !(without && **t == "cm-kubeadm-manage")).copied().collect();
    }
    if node.starts_with(IMAGES) {
        return bcm::IMAGE_TOOLS.to_vec();
    }
    let mut all = NODE_TOOLS.to_vec();
    if world.shape.control_planes.iter().any(|n| n == node) {
        all.extend(ETCD_TOOLS);
        all.extend(FIREWALL_TOOLS.iter().filter(|_| world.shape.nftables));
    }
    all
}

/// One call, to its end. None: there is no such program on that node.
pub async fn run(
    world: &Arc<World>,
    node: &str,
    program: &str,
    args: &[String],
    env: &BTreeMap<String, String>,
) -> Option<Ended> {
    run_in(&Ctx::new(world.clone(), node, env.clone()), program, args).await
}

/// The same for a caller of its own kind.
pub async fn run_in(ctx: &Ctx, program: &str, args: &[String]) -> Option<Ended> {
    let code = call(ctx, program, args).await?;
    let (stdout, stderr) = ctx.taken();
    Some(Ended { code, stdout, stderr })
}

/// The same within a context: hooks, faults, then the tool.
pub async fn call(ctx: &Ctx, program: &str, args: &[String]) -> Option<i32> {
    let unpacked = program.contains('/').then(|| dpkg::version_of(&ctx.disk().text(program))).flatten();
    let as_unpacked;
    let ctx = match unpacked {
        Some(version) => {
            as_unpacked = ctx.with_env(dpkg::VERSION, version);
            &as_unpacked
        }
        None => ctx,
    };
    let program = program.rsplit('/').next().unwrap_or(program);
    tools(&ctx.world, &ctx.node).contains(&program).then_some(())?;
    let seen = Seen { node: &ctx.node, program, args, unit: ctx.unit.as_deref() };
    ctx.world.hooks().iter().for_each(|h| h.before(&seen));
    ctx.pause().await;
    let fault = ctx.world.take_fault(&ctx.node, program, &args.join(" "));
    let code = match fault {
        Some(FaultAction::Fail { code, stderr }) => {
            ctx.err(&stderr);
            code
        }
        Some(FaultAction::FailAfter { code, stderr }) => {
            dispatch(ctx, program, args).await;
            ctx.err(&stderr);
            code
        }
        Some(FaultAction::Delay(time)) => {
            ctx.sleep(time).await;
            dispatch(ctx, program, args).await
        }
        Some(FaultAction::Hang) => std::future::pending().await,
        Some(FaultAction::Api(_)) | None => dispatch(ctx, program, args).await,
    };
    ctx.world.hooks().iter().for_each(|h| h.after(&seen, code));
    ctx.pause().await;
    Some(code)
}

/// As `call`, its type erased: a unit's task runs calls, and a call can start a unit.
pub fn boxed<'a>(ctx: &'a Ctx, program: &'a str, args: &'a [String]) -> BoxFuture<'a, Option<i32>> {
    Box::pin(call(ctx, program, args))
}

async fn dispatch(ctx: &Ctx, program: &str, args: &[String]) -> i32 {
    match program {
        "apt-get" => apt::get(ctx, args).await,
        "apt-cache" => apt::cache(ctx, args),
        "apt-config" => apt::config(ctx, args),
        "apt-mark" => apt_mark::run(ctx, args).await,
        "dpkg" => dpkg::run(ctx, args),
        "dpkg-deb" => dpkg::deb(ctx, args),
        "dpkg-query" => dpkg_query::run(ctx, args),
        "kubeadm" => Box::pin(kubeadm::run(ctx, args)).await,
        "kubelet" => kubelet::run(ctx, args).await,
        "kubectl" => kubectl::run(ctx, args),
        "nft" => nft::run(ctx, args).await,
        "systemctl" => systemctl::run(ctx, args).await,
        "systemd-run" => systemd_run::run(ctx, args).await,
        "containerd" => containerd::run(ctx, args),
        "ctr" => ctr::run(ctx, args),
        "crictl" => crictl::run(ctx, args).await,
        "etcdctl" | "etcdutl" => etcd::run(ctx, program, args).await,
        "cmsh" => bcm::cmsh::run(ctx, args).await,
        "cm-kubernetes-setup" => bcm::setup::run(ctx, args),
        "cm-kubeadm-manage" => bcm::kubeadm_manage::run(ctx, args).await,
        "cmha" => bcm::cmha::run(ctx, args).await,
        "du" => bcm::size::run(ctx, args).await,
        "umount" => bcm::mounts::umount(ctx, args),
        "rm" => bcm::mounts::rm(ctx, args).await,
        "true" => 0,
        // A check of the site. The lab does not read its script.
        "python3" => {
            ctx.out("all well");
            0
        }
        _ => bcm::chroot::run(ctx, args).await,
    }
}
