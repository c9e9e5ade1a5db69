//! The two waits: another pod hash on this node, and phase Running of every pod of the component in the cluster. Both through the proxy.

use super::api;
use crate::doubles::ctx::Ctx;

/// 500 ms each, five minutes in all.
const POLLS: u32 = 600;

pub fn hash(ctx: &Ctx, component: &str) -> Option<String> {
    let mine = api::component_pods(ctx, component).into_iter().find(|(node, ..)| *node == ctx.node);
    mine.map(|(_, hash, ..)| hash)
}

fn answers(ctx: &Ctx) -> bool {
    !ctx.world.lock().fronts().is_empty()
}

/// False: not within five minutes.
pub async fn hash_change(ctx: &Ctx, component: &str, before: Option<&str>) -> bool {
    for _ in 0..POLLS {
        if answers(ctx) && hash(ctx, component).is_some_and(|now| Some(now.as_str()) != before) {
            return true;
        }
        ctx.seconds(0.5).await;
    }
    false
}

pub async fn running(ctx: &Ctx, component: &str) -> bool {
    let mut said = 0;
    for _ in 0..POLLS {
        let pods = if answers(ctx) { api::component_pods(ctx, component) } else { vec![] };
        if !pods.is_empty() && pods.len() != said {
            said = pods.len();
            ctx.out(&format!("[apiclient] Found {said} Pods for label selector component={component}"));
        }
        if !pods.is_empty() && pods.iter().all(|(_, _, phase, _)| phase == "Running") {
            return true;
        }
        ctx.seconds(0.5).await;
    }
    false
}
