//! nft 1.0.6: transactions on tables of the family inet, and their lists, in the words of the recorded program. It knows no `destroy`, and
//! a table's comment is not in its JSON.

mod apply;
mod show;

use super::ctx::Ctx;
use crate::world::firewall::Firewall;

/// In a caller's environment: what its standard input has.
pub const STDIN: &str = "PODLIFT_LAB_STDIN";

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let json = args.iter().any(|a| a == "-j" || a == "--json");
    let mut rest = args.iter().filter(|a| *a != "-j" && *a != "--json").map(String::as_str);
    let script = match rest.next() {
        Some("-f" | "--file") => script(ctx, rest.next().unwrap_or_default()),
        Some("--version" | "-v") => {
            ctx.out("nftables v1.0.6 (Lester Gooch #5)");
            return 0;
        }
        Some(first) => std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" "),
        None => String::new(),
    };
    if let Some(what) = script.trim().strip_prefix("list ") {
        return list(ctx, what, json);
    }
    let before = ctx.world.lock().node(&ctx.node).firewall.clone();
    match apply::all(before, &script, ctx.world.clock.now()) {
        Ok(changed) => {
            ctx.world.update(|s| s.node_mut(&ctx.node).firewall = changed);
            ctx.pause().await;
            0
        }
        Err(why) => {
            ctx.err(&why);
            1
        }
    }
}

fn script(ctx: &Ctx, file: &str) -> String {
    match file {
        "-" | "/dev/stdin" => ctx.env.get(STDIN).cloned().unwrap_or_default(),
        path => ctx.disk().text(below_root(&ctx.node, path)),
    }
}

/// A path of the node; an agent of a lab of processes has its root in a folder.
fn below_root<'a>(node: &str, path: &'a str) -> &'a str {
    path.split_once(&format!("/nodes/{node}/")).map_or(path, |(root, _)| &path[root.len() + node.len() + 7..])
}

fn list(ctx: &Ctx, what: &str, json: bool) -> i32 {
    let all: Firewall = ctx.world.lock().node(&ctx.node).firewall.clone();
    let words: Vec<&str> = what.split_whitespace().collect();
    let wanted = match words.as_slice() {
        ["table", "inet", name] if !all.tables.contains_key(*name) => {
            ctx.err("Error: No such file or directory");
            return 1;
        }
        ["table", "inet", name] => Some(*name),
        ["tables" | "ruleset", ..] => None,
        _ => {
            ctx.err("Error: syntax error, unexpected newline, expecting string");
            return 1;
        }
    };
    let now = ctx.world.clock.now();
    let names_only = words[0] == "tables";
    let tables = all.tables.iter().filter(|(n, _)| wanted.is_none_or(|w| w == *n));
    match json {
        true => ctx.out(&show::json(tables, names_only, now)),
        false => ctx.print(&show::text(tables, names_only, now), false),
    }
    0
}
