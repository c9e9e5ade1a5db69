//! apt-mark: hold, unhold, showhold.

use super::ctx::Ctx;
use crate::world::What;

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().filter(|a| !a.starts_with('-')).map(String::as_str).collect();
    match words.split_first() {
        Some((&"showhold", only)) => show(ctx, only),
        Some((&"hold", names)) => set(ctx, names, true).await,
        Some((&"unhold", names)) => set(ctx, names, false).await,
        _ => {
            ctx.err(&format!("E: Invalid operation {}", words.first().unwrap_or(&"")));
            100
        }
    }
}

fn show(ctx: &Ctx, only: &[&str]) -> i32 {
    let s = ctx.world.lock();
    let held = s.node(&ctx.node).packages.iter().filter(|(_, p)| p.held);
    let names: Vec<String> =
        held.map(|(n, _)| n.clone()).filter(|n| only.is_empty() || only.contains(&n.as_str())).collect();
    drop(s);
    names.iter().for_each(|n| ctx.out(n));
    0
}

async fn set(ctx: &Ctx, names: &[&str], hold: bool) -> i32 {
    for name in names {
        let was = ctx.world.update(|s| {
            let package = s.node_mut(&ctx.node).packages.get_mut(*name)?;
            Some(std::mem::replace(&mut package.held, hold))
        });
        let Some(was) = was else {
            ctx.err(&format!("E: Unable to locate package {name}"));
            return 100;
        };
        ctx.out(&match (was, hold) {
            (false, true) => format!("{name} set on hold."),
            (true, true) => format!("{name} was already set on hold."),
            (true, false) => format!("Canceled hold on {name}."),
            (false, false) => format!("{name} was already not on hold."),
        });
        if was != hold {
            let package = name.to_string();
            ctx.effect(if hold { What::Hold { package } } else { What::Unhold { package } }).await;
        }
    }
    0
}
