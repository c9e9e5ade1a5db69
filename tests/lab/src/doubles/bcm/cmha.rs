//! `cmha status`: the mode of this head, and the checks of the pair.

use crate::doubles::ctx::{Ctx, HEAD};
use crate::world::bcm::Ha;
use crate::world::bcm::build::PASSIVE;

const CHECKS: [&str; 4] = ["failoverping", "mysql", "ping", "status"];

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    if args.first().map(String::as_str) != Some("status") {
        ctx.err("cmha: only status is known to the lab");
        return 2;
    }
    ctx.seconds(1.0).await;
    let ha = ctx.world.lock().bcm.ha;
    match ha {
        Ha::Active => pair(ctx, "active", [true, false]),
        Ha::Passive => pair(ctx, "passive", [false, true]),
        Ha::Both => pair(ctx, "active", [true, true]),
        Ha::Alone => {
            ctx.out("Failover is not configured.");
            return 1;
        }
        Ha::Broken => {
            ctx.err("Cannot connect to the cluster management daemon");
            return 1;
        }
    }
    0
}

/// `*` marks who is active.
fn pair(ctx: &Ctx, mode: &str, active: [bool; 2]) {
    let named = |name: &str, active: bool| format!("{name}{}", if active { "*" } else { "" });
    let (one, two) = (named(HEAD, active[0]), named(PASSIVE, active[1]));
    ctx.out(&format!("Node Status: running in {mode} master mode\n\nFailover status:"));
    for (from, to) in [(&one, &two), (&two, &one)] {
        ctx.out(&format!("{from} -> {to}"));
        CHECKS.iter().for_each(|check| ctx.out(&format!("  {check:<13} [  OK  ]")));
    }
}
