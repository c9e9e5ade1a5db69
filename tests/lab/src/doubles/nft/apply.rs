//! One transaction: all of its statements, or none.

use crate::world::firewall::{Chain, Element, Firewall, Rule, Set, Table};
use jiff::{SignedDuration, Timestamp};

const ABSENT: &str = "Error: Could not process rule: No such file or directory";

pub fn all(mut firewall: Firewall, script: &str, now: Timestamp) -> Result<Firewall, String> {
    for statement in statements(script) {
        one(&mut firewall, &statement, now)?;
    }
    Ok(firewall)
}

/// Cut at line ends and semicolons that are in no braces and no quotes.
fn statements(text: &str) -> Vec<String> {
    let (mut all, mut now, mut depth, mut quoted) = (vec![], String::new(), 0_i32, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 && !quoted && (c == ';' || c == '\n') {
            all.push(std::mem::take(&mut now));
        } else {
            now.push(c);
        }
    }
    all.push(now);
    let lines = all.iter().map(|s| s.trim().to_string());
    lines.filter(|s| !s.is_empty() && !s.starts_with('#')).collect()
}

fn one(f: &mut Firewall, statement: &str, now: Timestamp) -> Result<(), String> {
    let (head, body) = match statement.split_once('{') {
        Some((head, body)) if !head.contains(" rule ") => {
            (head, body.trim_end().strip_suffix('}').unwrap_or(body))
        }
        _ => (statement, ""),
    };
    let words: Vec<&str> = head.split_whitespace().collect();
    match words.as_slice() {
        ["table" | "add" | "create", rest @ ..] if words[0] == "table" || rest.first() == Some(&"table") => {
            let [.., "inet", name] = words.as_slice() else { return Err(unknown(words[0])) };
            if words[0] == "create" && f.tables.contains_key(*name) {
                return Err("Error: Could not process rule: File exists".into());
            }
            table(f, name, body, now)
        }
        ["delete", "table", "inet", name] => f.tables.remove(*name).map(drop).ok_or_else(|| ABSENT.into()),
        ["flush", "table", "inet", name] => {
            let table = f.tables.get_mut(*name).ok_or(ABSENT)?;
            table.chains.iter_mut().for_each(|c| c.rules.clear());
            Ok(())
        }
        ["add", "chain", "inet", table, name] => {
            let (table, name) = ((*table).to_string(), (*name).to_string());
            chain(f, &table, &name, body)
        }
        ["add", "rule", "inet", table, chain, ..] => {
            let text = statement.splitn(6, char::is_whitespace).nth(5).unwrap_or_default();
            rule(f, table, chain, text)
        }
        _ => Err(unknown(words.first().copied().unwrap_or_default())),
    }
}

fn unknown(word: &str) -> String {
    format!("Error: syntax error, unexpected {word}, expecting string")
}

fn handle(f: &mut Firewall) -> u64 {
    f.handle += 1;
    f.handle
}

fn table(f: &mut Firewall, name: &str, body: &str, now: Timestamp) -> Result<(), String> {
    if !f.tables.contains_key(name) {
        let handle = handle(f);
        f.tables.insert(name.into(), Table { handle, ..Table::default() });
    }
    for part in statements(body) {
        if let Some(comment) = part.strip_prefix("comment ") {
            let table = f.tables.get_mut(name).ok_or(ABSENT)?;
            table.comment = Some(comment.trim_matches('"').into());
            continue;
        }
        if let Some((head, body)) = part.strip_prefix("set ").and_then(|rest| rest.split_once('{')) {
            let body = body.trim_end().strip_suffix('}').unwrap_or(body);
            set(f, name, head.trim(), body, now)?;
            continue;
        }
        let Some((head, body)) = part.strip_prefix("chain ").and_then(|rest| rest.split_once('{')) else {
            return Err(unknown(part.split_whitespace().next().unwrap_or_default()));
        };
        chain(f, name, head.trim(), body.trim_end().strip_suffix('}').unwrap_or(body))?;
    }
    Ok(())
}

/// `type inet_service; flags timeout; elements = { 6443 timeout 600s }`.
fn set(f: &mut Firewall, table: &str, name: &str, body: &str, now: Timestamp) -> Result<(), String> {
    let mut made = Set { name: name.into(), handle: handle(f), elements: vec![] };
    for part in statements(body) {
        if let Some((_, list)) = part.split_once("elements").and_then(|(_, rest)| rest.split_once('{')) {
            let list = list.trim_end().trim_end_matches('}');
            made.elements = list.split(',').map(|e| element(e, now)).collect::<Result<_, _>>()?;
        } else if part != "type inet_service" && part != "flags timeout" {
            return Err(unknown(part.split_whitespace().next().unwrap_or_default()));
        }
    }
    f.tables.get_mut(table).ok_or(ABSENT)?.sets.push(made);
    Ok(())
}

fn element(text: &str, now: Timestamp) -> Result<Element, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |word: &str| word.trim_end_matches('s').parse::<u64>().map_err(|_| unknown(word));
    let port = |word: &str| word.parse::<u16>().map_err(|_| unknown(word));
    match words.as_slice() {
        [one] => Ok(Element { port: port(one)?, timeout: None }),
        [one, "timeout", time] => {
            let seconds = number(time)?;
            let end = now + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            Ok(Element { port: port(one)?, timeout: Some((seconds, end)) })
        }
        _ => Err(unknown(words.first().copied().unwrap_or("}"))),
    }
}

fn chain(f: &mut Firewall, table: &str, name: &str, body: &str) -> Result<(), String> {
    let number = handle(f);
    let known = f.tables.get_mut(table).ok_or(ABSENT)?;
    if !known.chains.iter().any(|c| c.name == name) {
        known.chains.push(Chain { name: name.into(), handle: number, ..Chain::default() });
    }
    for part in statements(body) {
        let words: Vec<&str> = part.split_whitespace().collect();
        match words.as_slice() {
            ["type", "filter", "hook", hook, "priority", priority] => {
                let chains = f.tables.get_mut(table).ok_or(ABSENT)?.chains.iter_mut();
                let priority = priority_of(priority)?;
                chains
                    .filter(|c| c.name == name)
                    .for_each(|c| c.hook = Some(((*hook).to_string(), priority)));
            }
            ["policy", ..] => {}
            _ => rule(f, table, name, &part)?,
        }
    }
    Ok(())
}

fn priority_of(word: &str) -> Result<i64, String> {
    match word {
        "raw" => Ok(-300),
        "mangle" => Ok(-150),
        "filter" => Ok(0),
        number => number.parse().map_err(|_| unknown(number)),
    }
}

fn rule(f: &mut Firewall, table: &str, chain: &str, text: &str) -> Result<(), String> {
    let number = handle(f);
    let (text, comment) = match text.split_once(" comment ") {
        Some((text, comment)) => (text, Some(comment.trim().trim_matches('"').to_string())),
        None => (text, None),
    };
    let chains = &mut f.tables.get_mut(table).ok_or(ABSENT)?.chains;
    let chain = chains.iter_mut().find(|c| c.name == chain).ok_or(ABSENT)?;
    let words = text.split_whitespace().map(String::from).collect();
    chain.rules.push(Rule { handle: number, words, comment });
    Ok(())
}
