//! Tables as nft prints them: the text of a ruleset, and libnftables-json(5).

use crate::world::firewall::{Chain, Rule, Set, Table};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;

type Named<'a> = (&'a String, &'a Table);

pub fn text<'a>(tables: impl Iterator<Item = Named<'a>>, names_only: bool, now: Timestamp) -> String {
    let mut out = String::new();
    for (name, table) in tables {
        // A String takes everything.
        if names_only {
            writeln!(out, "table inet {name}").ok();
            continue;
        }
        writeln!(out, "table inet {name} {{").ok();
        if let Some(comment) = &table.comment {
            writeln!(out, "\tcomment \"{comment}\"").ok();
        }
        table.sets.iter().for_each(|s| set(&mut out, s, now));
        table.chains.iter().for_each(|c| chain(&mut out, c));
        writeln!(out, "}}").ok();
    }
    out
}

fn set(out: &mut String, set: &Set, now: Timestamp) {
    writeln!(out, "\tset {} {{\n\t\ttype inet_service\n\t\tflags timeout", set.name).ok();
    let alive: Vec<String> = set
        .elements
        .iter()
        .filter(|e| e.lives(now))
        .map(|e| match e.timeout {
            Some((seconds, end)) => {
                format!("{} timeout {seconds}s expires {}s", e.port, end.duration_since(now).as_secs())
            }
            None => e.port.to_string(),
        })
        .collect();
    if !alive.is_empty() {
        writeln!(out, "\t\telements = {{ {} }}", alive.join(", ")).ok();
    }
    writeln!(out, "\t}}\n").ok();
}

fn chain(out: &mut String, chain: &Chain) {
    writeln!(out, "\tchain {} {{", chain.name).ok();
    if let Some((hook, priority)) = &chain.hook {
        let name = match priority {
            -300 => "raw".to_string(),
            0 => "filter".to_string(),
            n => n.to_string(),
        };
        writeln!(out, "\t\ttype filter hook {hook} priority {name}; policy accept;").ok();
    }
    for rule in &chain.rules {
        let comment = rule.comment.as_ref().map_or_else(String::new, |c| format!(" comment \"{c}\""));
        writeln!(out, "\t\t{}{comment}", rule.words.join(" ")).ok();
    }
    writeln!(out, "\t}}").ok();
}

pub fn json<'a>(tables: impl Iterator<Item = Named<'a>>, names_only: bool, now: Timestamp) -> String {
    let info = json!({"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1});
    let mut all = vec![json!({"metainfo": info})];
    for (name, table) in tables {
        all.push(json!({"table": {"family": "inet", "name": name, "handle": table.handle}}));
        if names_only {
            continue;
        }
        all.extend(table.sets.iter().map(|s| set_json(name, s, now)));
        let chains = table.chains.iter();
        all.extend(chains.flat_map(|c| chain_json(name, c)));
    }
    json!({"nftables": all}).to_string()
}

/// Without `elem` where none is left.
fn set_json(table: &str, set: &Set, now: Timestamp) -> Value {
    let mut v = json!({"family": "inet", "name": set.name, "table": table, "type": "inet_service", "handle": set.handle,
        "flags": ["timeout"]});
    let alive = set.elements.iter().filter(|e| e.lives(now));
    let alive: Vec<Value> = alive
        .map(|e| match e.timeout {
            Some((seconds, end)) => {
                json!({"elem": {"val": e.port, "timeout": seconds, "expires": end.duration_since(now).as_secs()}})
            }
            None => json!(e.port),
        })
        .collect();
    if !alive.is_empty() {
        v["elem"] = json!(alive);
    }
    json!({"set": v})
}

fn chain_json(table: &str, chain: &Chain) -> Vec<Value> {
    let mut head = json!({"family": "inet", "table": table, "name": chain.name, "handle": chain.handle});
    if let Some((hook, priority)) = &chain.hook {
        head["type"] = json!("filter");
        head["hook"] = json!(hook);
        head["prio"] = json!(priority);
        head["policy"] = json!("accept");
    }
    let rules = chain.rules.iter().map(|rule| {
        let mut v = json!({"family": "inet", "table": table, "chain": chain.name, "handle": rule.handle,
            "expr": expressions(rule)});
        if let Some(comment) = &rule.comment {
            v["comment"] = json!(comment);
        }
        json!({"rule": v})
    });
    std::iter::once(json!({"chain": head})).chain(rules).collect()
}

/// Those that were recorded; others are left out.
fn expressions(rule: &Rule) -> Vec<Value> {
    let text = rule.words.join(" ").replace('"', "");
    let matched =
        |op: &str, left: Value, right: Value| json!({"match": {"op": op, "left": left, "right": right}});
    let mut all = vec![];
    if text.contains("fib saddr type") {
        let op = if text.contains("type != local") { "!=" } else { "==" };
        all.push(matched(op, json!({"fib": {"result": "type", "flags": ["saddr"]}}), json!("local")));
    }
    for key in ["iif", "iifname"] {
        for (words, op) in [(format!("{key} lo"), "=="), (format!("{key} != lo"), "!=")] {
            if format!("{text} ").contains(&format!("{words} ")) {
                all.push(matched(op, json!({"meta": {"key": key}}), json!("lo")));
            }
        }
    }
    let port = text.split("tcp dport ").nth(1).and_then(|rest| rest.split(' ').next());
    let port = port.map(|word| word.parse::<u16>().map_or_else(|_| json!(word), |port| json!(port)));
    if let Some(port) = port {
        let left = json!({"payload": {"protocol": "tcp", "field": "dport"}});
        all.push(matched("==", left, json!(port)));
    }
    if text.contains("tcp flags") {
        let flags = json!({"payload": {"protocol": "tcp", "field": "flags"}});
        let left = json!({"&": [flags, flags_named(&text)]});
        all.push(matched("==", left, json!("syn")));
    }
    if text.contains("ct state new") {
        all.push(matched("in", json!({"ct": {"key": "state"}}), json!("new")));
    }
    match () {
        () if text.contains("reject with tcp reset") => all.push(json!({"reject": {"type": "tcp reset"}})),
        () if text.ends_with("accept") => all.push(json!({"accept": null})),
        () => {}
    }
    all
}

/// Those of the mask.
fn flags_named(text: &str) -> Vec<&'static str> {
    let mask = text.split('(').nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
    ["fin", "syn", "rst", "ack"].into_iter().filter(|flag| mask.contains(flag)).collect()
}
