//! systemctl: the kubelet service and transient units.

use super::KUBELET_PID;
use super::ctx::Ctx;
use super::words::Words;
use crate::kubelet;
use crate::world::state::Unit;

fn full(name: &str) -> String {
    if name.contains('.') { name.into() } else { format!("{name}.service") }
}

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let words = Words::of(args, &["-p", "--property", "--type", "--state", "-n", "--output"]);
    let unit = full(words.word(1));
    match words.word(0) {
        "daemon-reload" => {
            ctx.seconds(0.5).await;
            0
        }
        "restart" | "start" if unit == "kubelet.service" => {
            kubelet::restart(&ctx.world, &ctx.node, ctx.op()).await;
            0
        }
        "is-active" => any_active(ctx, &words),
        "show" => show(ctx, &unit, &words),
        "list-units" => list(ctx, words.word(1)),
        "stop" | "kill" => stop(ctx, &unit),
        "reset-failed" => {
            let gone = ctx.world.update(|s| {
                let units = &mut s.node_mut(&ctx.node).units;
                units.get(&unit).is_some_and(|u| !u.active).then(|| units.remove(&unit)).is_some()
            });
            i32::from(!gone)
        }
        verb => {
            ctx.err(&format!("Unit {unit} not found for {verb}."));
            5
        }
    }
}

/// Prints each; 0 where one of them is active.
fn any_active(ctx: &Ctx, words: &Words) -> i32 {
    let quiet = words.has(&["-q", "--quiet"]);
    let codes: Vec<i32> = words.words.iter().skip(1).map(|unit| is_active(ctx, &full(unit), quiet)).collect();
    codes.into_iter().min().unwrap_or(3)
}

fn is_active(ctx: &Ctx, unit: &str, quiet: bool) -> i32 {
    let s = ctx.world.lock();
    let node = s.node(&ctx.node);
    let state = match (unit, node.units.get(unit)) {
        ("kubelet.service", _) if node.kubelet.running.is_some() => "active",
        ("kubelet.service", _) => "activating",
        (_, Some(u)) => active_state(u),
        _ if node.services.contains(unit) => "active",
        _ => "inactive",
    };
    drop(s);
    if !quiet {
        ctx.out(state);
    }
    if state == "active" { 0 } else { 3 }
}

fn active_state(u: &Unit) -> &'static str {
    match (u.active, u.result.as_str()) {
        (true, _) => "active",
        (false, "success") => "inactive",
        (false, _) => "failed",
    }
}

/// An unknown unit is LoadState=not-found, which is no error.
fn show(ctx: &Ctx, unit: &str, words: &Words) -> i32 {
    let asked =
        words.options.iter().filter(|(n, _)| n == "-p" || n == "--property").flat_map(|(_, v)| v.split(','));
    let asked: Vec<&str> = asked.collect();
    let s = ctx.world.lock();
    let node = s.node(&ctx.node);
    let kubelet = unit == "kubelet.service";
    let known = node.units.get(unit);
    let active = match known {
        Some(u) => active_state(u),
        None if kubelet && node.kubelet.running.is_some() => "active",
        None => "inactive",
    };
    let sub = match active {
        "active" => "running",
        "failed" => "failed",
        _ => "dead",
    };
    let ended = known.filter(|u| !u.active);
    let all = [
        ("Id", unit.to_string()),
        ("LoadState", if known.is_some() || kubelet { "loaded" } else { "not-found" }.to_string()),
        ("ActiveState", active.to_string()),
        ("SubState", sub.to_string()),
        ("Result", known.map_or("success", |u| u.result.as_str()).to_string()),
        ("ExecMainCode", if ended.is_some() { "1" } else { "0" }.to_string()),
        ("ExecMainStatus", ended.map_or(0, |u| u.status).to_string()),
        ("NRestarts", if kubelet { node.kubelet.restarts } else { 0 }.to_string()),
        ("MainPID", if active == "active" { KUBELET_PID } else { "0" }.to_string()),
    ];
    drop(s);
    let value = words.has(&["--value"]);
    for (name, text) in all.iter().filter(|(n, _)| asked.is_empty() || asked.contains(n)) {
        ctx.out(&if value { text.clone() } else { format!("{name}={text}") });
    }
    0
}

fn list(ctx: &Ctx, pattern: &str) -> i32 {
    let prefix = pattern.split('*').next().unwrap_or_default().to_string();
    let s = ctx.world.lock();
    let units = s.node(&ctx.node).units.iter().filter(|(n, _)| n.starts_with(&prefix));
    let lines: Vec<String> = units
        .map(|(n, u)| {
            let state = active_state(u);
            let sub = if u.active { "running" } else { state };
            format!("{n} loaded {state} {sub} {}", u.argv.join(" "))
        })
        .collect();
    drop(s);
    lines.iter().for_each(|l| ctx.out(l));
    0
}

fn stop(ctx: &Ctx, unit: &str) -> i32 {
    let task = ctx.world.update(|s| {
        if unit.ends_with(".timer") {
            // One of --on-active is unloaded when it is stopped.
            return s.node_mut(&ctx.node).units.remove(unit).map(|u| u.task);
        }
        let u = s.node_mut(&ctx.node).units.get_mut(unit)?;
        (u.active, u.result, u.status) = (false, "signal".into(), 15);
        Some(u.task)
    });
    match task {
        Some(task) => {
            ctx.world.abort(|_, id| id == task);
            0
        }
        None => {
            ctx.err(&format!("Failed to stop {unit}: Unit {unit} not loaded."));
            5
        }
    }
}
