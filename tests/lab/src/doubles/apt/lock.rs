//! dpkg's lock: taken by one, waited for as long as `DPkg::Lock::Timeout` says, freed when its holder ends, however it ends.

use super::options::Options;
use crate::doubles::ctx::Ctx;
use crate::world::{What, World};
use std::sync::Arc;

pub struct Held {
    world: Arc<World>,
    node: String,
    pid: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.world.update(|s| {
            let lock = &mut s.node_mut(&self.node).dpkg_lock;
            if lock.as_ref().is_some_and(|(_, pid)| *pid == self.pid) {
                *lock = None;
            }
        });
    }
}

/// `None`: another process has it; the texts are printed.
pub async fn take(ctx: &Ctx, options: &Options) -> Option<Held> {
    let mut left: i64 = options.get("DPkg::Lock::Timeout").and_then(|t| t.parse().ok()).unwrap_or(0);
    let mut said = false;
    loop {
        let holder = ctx.world.update(|s| {
            let pid = 4000 + s.serial() as u32;
            let lock = &mut s.node_mut(&ctx.node).dpkg_lock;
            match lock {
                Some(holder) => Err(holder.clone()),
                None => {
                    *lock = Some(("apt-get".into(), pid));
                    Ok(pid)
                }
            }
        });
        match holder {
            Ok(pid) => return Some(Held { world: ctx.world.clone(), node: ctx.node.clone(), pid }),
            Err((name, pid)) if left == 0 => {
                let file = "/var/lib/dpkg/lock-frontend";
                ctx.err(&format!("E: Could not get lock {file}. It is held by process {pid} ({name})"));
                ctx.err(
                    "N: Be aware that removing the lock file is not a solution and may break your system.",
                );
                ctx.err(&format!(
                    "E: Unable to acquire the dpkg frontend lock ({file}), is another process using it?"
                ));
                return None;
            }
            Err((name, _)) => {
                if !said {
                    said = true;
                    ctx.effect(What::AptWaits { holder: name }).await;
                }
                ctx.seconds(1.0).await;
                left -= i64::from(left > 0);
            }
        }
    }
}

impl World {
    /// Package work of another process, for example unattended-upgrades.
    pub fn hold_dpkg_lock(&self, node: &str, process: Option<&str>) {
        self.update(|s| s.node_mut(node).dpkg_lock = process.map(|p| (p.to_string(), 777)));
    }
}
