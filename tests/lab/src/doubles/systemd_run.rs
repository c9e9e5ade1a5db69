//! systemd-run: transient service units. A unit belongs to the machine, not to its caller: it continues when the agent dies, and
//! its name cannot be used twice while it is known. With --on-active a transient timer starts the service later: that time is podlift's
//! own, and not shortened.

use super::ctx::Ctx;
use crate::world::What;
use crate::world::state::Unit;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Default)]
struct Asked {
    unit: String,
    properties: Vec<(String, String)>,
    env: BTreeMap<String, String>,
    /// The caller waits for the end, and gets the output.
    wait: bool,
    collect: bool,
    on_active: Option<Duration>,
    argv: Vec<String>,
}

fn parse(args: &[String]) -> Asked {
    let mut a = Asked::default();
    let mut rest = args.iter().peekable();
    while let Some(arg) = rest.next_if(|x| x.starts_with('-')) {
        if arg == "--" {
            break;
        }
        let (name, inline) =
            arg.split_once('=').map_or((arg.as_str(), None), |(n, v)| (n, Some(v.to_string())));
        let valued = matches!(
            name,
            "--unit"
                | "-u"
                | "--property"
                | "-p"
                | "--setenv"
                | "-E"
                | "--description"
                | "--working-directory"
                | "--slice"
                | "--service-type"
                | "--on-active"
                | "--timer-property"
        );
        let value = inline.or_else(|| valued.then(|| rest.next().cloned()).flatten()).unwrap_or_default();
        let pair = |v: &str| {
            v.split_once('=').map_or((v.to_string(), String::new()), |(n, v)| (n.to_string(), v.to_string()))
        };
        match name {
            "--unit" | "-u" => a.unit = value,
            "--property" | "-p" => a.properties.push(pair(&value)),
            "--setenv" | "-E" => a.env.extend([pair(&value)]),
            "--wait" => a.wait = true,
            "--collect" | "-G" => a.collect = true,
            "--on-active" => a.on_active = seconds(&value),
            _ => {}
        }
    }
    a.argv = rest.cloned().collect();
    a
}

/// `90`, `90s` or `2min`.
fn seconds(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("min") {
        Some(number) => (number, 60.0),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    number.trim().parse::<f64>().ok().map(|n| Duration::from_secs_f64(n * unit))
}

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let asked = parse(args);
    if asked.argv.is_empty() {
        ctx.err("Command line to execute required.");
        return 1;
    }
    let number = ctx.world.update(crate::world::State::serial);
    let name = if asked.unit.is_empty() { format!("run-u{number}") } else { asked.unit.clone() };
    let name = if name.contains('.') { name } else { format!("{name}.service") };
    let timer = asked.on_active.map(|_| name.replace(".service", ".timer"));
    let loaded = timer.clone().unwrap_or_else(|| name.clone());
    let unit = Unit {
        argv: asked.argv.clone(),
        active: true,
        result: "success".into(),
        status: 0,
        started: ctx.world.clock.now(),
        task: 0,
    };
    let fresh = ctx.world.update(|s| {
        let units = &mut s.node_mut(&ctx.node).units;
        // A unit that ended well is unloaded and its name is free again; a failed one stays until reset-failed.
        let taken = units.get(&loaded).is_some_and(|u| u.active || u.result != "success");
        if !taken {
            units.insert(loaded.clone(), unit.clone());
        }
        !taken
    });
    if !fresh {
        ctx.err(&format!(
            "Failed to start transient {} unit: Unit {loaded} was already loaded or has a fragment file.",
            if timer.is_some() { "timer" } else { "service" }
        ));
        return 1;
    }
    ctx.world.record(&ctx.node, What::UnitStarted { unit: loaded.clone() }, None);
    if asked.wait {
        return waited(ctx, &asked, &name).await;
    }
    let inner = ctx.for_unit(&name, asked.env.clone(), log(&asked));
    let task = match timer {
        Some(timer) => ctx.world.spawn(&ctx.node, later(inner, asked, timer, name, unit)),
        None => ctx.world.spawn(&ctx.node, main(inner, asked, name)),
    };
    ctx.world.update(|s| s.node_mut(&ctx.node).units.get_mut(&loaded).map(|u| u.task = task));
    ctx.pause().await;
    0
}

/// `--wait --pipe`: the unit's output is the caller's, and its exit code too. The unit goes on when its caller is gone.
async fn waited(ctx: &Ctx, asked: &Asked, name: &str) -> i32 {
    let Some((program, args)) = asked.argv.split_first() else { return 1 };
    let mut inner = ctx.clone();
    inner.unit = Some(name.into());
    inner.env.clone_from(&asked.env);
    let (done, ended) = tokio::sync::oneshot::channel();
    let (program, args, name) = (program.clone(), args.to_vec(), name.to_string());
    ctx.world.spawn(&ctx.node, async move {
        let code = super::boxed(&inner, &program, &args).await.unwrap_or(203);
        inner.world.update(|s| s.node_mut(&inner.node).units.remove(&name));
        // The caller may be gone.
        done.send(code).ok();
    });
    let code = ended.await.unwrap_or(1);
    ctx.pause().await;
    code
}

/// A timer that has elapsed is unloaded.
async fn later(ctx: Ctx, asked: Asked, timer: String, name: String, unit: Unit) {
    tokio::time::sleep(asked.on_active.unwrap_or_default()).await;
    ctx.world.update(|s| {
        let units = &mut s.node_mut(&ctx.node).units;
        let task = units.remove(&timer).map_or(0, |u| u.task);
        units.insert(name.clone(), Unit { task, ..unit });
    });
    ctx.world.record(&ctx.node, What::UnitStarted { unit: name.clone() }, None);
    main(ctx, asked, name).await;
}

/// Both streams go to one file, appended.
fn log(asked: &Asked) -> Option<PathBuf> {
    let value = asked.properties.iter().find(|(n, _)| n == "StandardOutput")?.1.clone();
    Some(value.strip_prefix("append:")?.into())
}

async fn main(ctx: Ctx, asked: Asked, name: String) {
    let Some((program, args)) = asked.argv.split_first() else { return };
    let limit = asked.properties.iter().find(|(n, _)| n == "RuntimeMaxSec").and_then(|(_, v)| v.parse().ok());
    let ended = match limit {
        Some(seconds) => {
            tokio::time::timeout(Duration::from_secs(seconds), super::boxed(&ctx, program, args)).await
        }
        None => Ok(super::boxed(&ctx, program, args).await),
    };
    let (result, status) = match ended {
        Ok(Some(0)) => ("success", 0),
        Ok(Some(n)) => ("exit-code", n),
        // systemd's EXIT_EXEC: the program is not there.
        Ok(None) => ("exit-code", 203),
        Err(_) => ("timeout", 15),
    };
    let (code, shown) =
        if result == "timeout" { ("killed", "TERM".to_string()) } else { ("exited", status.to_string()) };
    let env = BTreeMap::from([
        ("SERVICE_RESULT".to_string(), result.to_string()),
        ("EXIT_CODE".to_string(), code.to_string()),
        ("EXIT_STATUS".to_string(), shown),
    ]);
    for (_, line) in asked.properties.iter().filter(|(n, _)| n == "ExecStopPost") {
        if let Some(run) = ctx.world.stop_post() {
            let mut all = asked.env.clone();
            all.extend(env.clone());
            run(ctx.world.clone(), ctx.node.clone(), split(line), all).await;
        }
        ctx.pause().await;
    }
    ctx.world.update(|s| {
        let units = &mut s.node_mut(&ctx.node).units;
        match result {
            "success" => drop(units.remove(&name)),
            _ if asked.collect => drop(units.remove(&name)),
            _ => {
                if let Some(u) = units.get_mut(&name) {
                    (u.active, u.result, u.status) = (false, result.into(), status);
                }
            }
        }
    });
}

/// A command line as systemd splits it: words, double quotes, backslashes, doubled `%` and `$`.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (vec![], String::new(), false, false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' | '%' | '$' => {
                word.push(if c == '\\' {
                    rest.next().unwrap_or(c)
                } else {
                    rest.next_if_eq(&c).unwrap_or(c)
                });
                any = true;
            }
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        assert_eq!(
            split("/bin/a --root \"/x y\" record-exit op1"),
            ["/bin/a", "--root", "/x y", "record-exit", "op1"]
        );
        let words: Vec<String> = [
            "--quiet",
            "--unit=podlift-a",
            "--property=StandardOutput=append:/l",
            "-E",
            "A=b",
            "kubeadm",
            "-x",
        ]
        .map(String::from)
        .into();
        let a = parse(&words);
        assert_eq!(
            (a.unit.as_str(), a.argv.join(" "), log(&a)),
            ("podlift-a", "kubeadm -x".into(), Some("/l".into()))
        );
        assert_eq!(a.env["A"], "b");
        assert_eq!(["90", "90s", "2min"].map(|t| seconds(t).unwrap().as_secs()), [90, 90, 120]);
    }
}
