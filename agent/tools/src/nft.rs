//! `nft`: podlift's own table, with one rule that refuses new connections to a port. Other tables are neither read nor changed, so the
//! table stands beside the rules of iptables (legacy or nft), of a CNI and of firewalld: a packet that one table refuses is refused.
//!
//! The deadline is the kernel's own. The port is an element of a set, and the kernel removes the element when its time is over; the rule
//! then matches nothing. No timer and no living agent is necessary for that, and a jump of the wall clock does not change it. The rule does
//! not survive a restart of the machine.

use crate::{must, run};
use jiff::Timestamp;
use podlift_host::{Host, Invocation, paths};
use podlift_model::facts::Aside;
use podlift_model::{Failure, codes};
use serde_json::Value;
use std::path::Path;

const FAMILY: &str = "inet";
/// The table's name.
pub const TABLE: &str = "podlift_step_aside";
/// Most bytes of a reason in the rule's comment: the kernel keeps 128 with the deadline before it.
const REASON_BYTES: usize = 80;

/// State of podlift's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    Absent,
    /// The table is there, and its deadline is over: it refuses nothing.
    Expired,
    Refuses(Aside),
}

/// What the table refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub port: u16,
    pub seconds: u32,
    pub until: Timestamp,
    pub reason: String,
}

/// Reads podlift's table.
pub async fn look(host: &Host) -> Result<Table, Failure> {
    let call = Invocation::new("nft", ["-j", "list", "table", FAMILY, TABLE]);
    let output = run(host, &call).await?;
    match output.success() {
        true => parse(&output.stdout),
        false if is_absent(&output.stderr) => Ok(Table::Absent),
        false => Err(crate::exited(&call, &output)),
    }
}

/// Puts the table in place, instead of an earlier one of podlift's, in one transaction of the kernel.
pub async fn load(host: &Host, refusal: &Refusal) -> Result<(), Failure> {
    let file = Path::new(paths::STEP_ASIDE);
    let written = host.files.write(file, ruleset(refusal).as_bytes(), 0o600);
    written.map_err(|e| crate::files::file_failure(file, &e))?;
    must(host, &Invocation::new("nft", ["-f", paths::STEP_ASIDE])).await.map(drop)
}

/// Removes the table; succeeds if it is not there.
pub async fn remove(host: &Host) -> Result<(), Failure> {
    let call = Invocation::new("nft", ["delete", "table", FAMILY, TABLE]);
    let output = run(host, &call).await?;
    match output.success() || is_absent(&output.stderr) {
        true => Ok(()),
        false => Err(crate::exited(&call, &output)),
    }
}

fn is_absent(stderr: &str) -> bool {
    stderr.contains("No such file or directory")
}

/// The text of the table. A packet of the node to one of its own addresses arrives on `lo`; it is let in. nft before 1.0.7 knows no
/// `destroy`, so an earlier table is first made sure to exist and then deleted.
fn ruleset(refusal: &Refusal) -> String {
    let Refusal { port, seconds, until, reason } = refusal;
    let reason = printable(reason);
    format!(
        "table {FAMILY} {TABLE}
delete table {FAMILY} {TABLE}
table {FAMILY} {TABLE} {{
    set ports {{
        type inet_service
        flags timeout
        elements = {{ {port} timeout {seconds}s }}
    }}
    chain input {{
        type filter hook input priority -10; policy accept;
        iifname != \"lo\" tcp dport @ports tcp flags & (syn | ack) == syn reject with tcp reset comment \"until {until:.0}: {reason}\"
    }}
}}
"
    )
}

/// A text that can stand in a quoted comment of nft, cut to what the kernel keeps.
fn printable(text: &str) -> String {
    let plain =
        |c: char| if c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\')) { c } else { '?' };
    text.chars().map(plain).take(REASON_BYTES).collect()
}

fn parse(text: &str) -> Result<Table, Failure> {
    let odd = || {
        let message = "`nft -j list table` printed nothing that podlift knows; its words are below";
        Failure::operator(codes::STEP_ASIDE_FAILED, message).with_detail(text)
    };
    let document: Value = serde_json::from_str(text).map_err(|_| odd())?;
    let objects = document["nftables"].as_array().ok_or_else(odd)?;
    let refuses = objects.iter().any(|o| o["set"]["elem"].as_array().is_some_and(|all| !all.is_empty()));
    let rule = objects.iter().find(|o| o["rule"]["expr"].is_array());
    Ok(match rule {
        Some(rule) if refuses => Table::Refuses(said(rule["rule"]["comment"].as_str().unwrap_or_default())),
        _ => Table::Expired,
    })
}

/// `until 2026-11-27T01:00:00Z: REASON`. A comment of another form is all reason, with a deadline that has no meaning.
fn said(comment: &str) -> Aside {
    let parts = comment.strip_prefix("until ").and_then(|rest| rest.split_once(": "));
    let parsed = parts.and_then(|(until, reason)| Some((until.parse().ok()?, reason)));
    let (until, reason) = parsed.unwrap_or((Timestamp::MAX, comment));
    Aside { until, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from nft 1.0.6 of Debian 12 after `ruleset`.
    const STANDS: &str = include_str!("nft/stands.json");
    /// The same after the deadline.
    const EXPIRED: &str = include_str!("nft/expired.json");

    fn refusal() -> Refusal {
        let until = "2026-11-27T01:00:00.4Z".parse().unwrap();
        Refusal { port: 6443, seconds: 600, until, reason: "upgrade r1 restarts the API server".into() }
    }

    #[test]
    fn the_recorded_table_is_the_one_that_is_loaded() {
        assert_eq!(ruleset(&refusal()), include_str!("nft/table.nft"));
        let Ok(Table::Refuses(aside)) = parse(STANDS) else { panic!("{:?}", parse(STANDS)) };
        assert_eq!(aside.until.to_string(), "2026-11-27T01:00:00Z");
        assert_eq!(aside.reason, refusal().reason);
        assert_eq!(parse(EXPIRED), Ok(Table::Expired));
    }

    #[test]
    fn a_reason_can_not_leave_its_quotes_and_is_cut() {
        let reason = format!("a\"; flush ruleset #\n\\ é{}", "x".repeat(200));
        let text = ruleset(&Refusal { reason, ..refusal() });
        let rule = text.lines().find(|line| line.contains("comment")).unwrap();
        assert_eq!(rule.matches('"').count(), 4, "{rule}");
        assert!(rule.contains("a?; flush ruleset #?? ?xxx"), "{rule}");
        let comment = rule.split("comment ").nth(1).unwrap();
        assert!(comment.len() < 128, "{}", comment.len());
    }

    #[test]
    fn other_answers() {
        assert_eq!(parse("").unwrap_err().code, codes::STEP_ASIDE_FAILED);
        assert_eq!(parse("{}").unwrap_err().code, codes::STEP_ASIDE_FAILED);
        assert!(is_absent("Error: Could not process rule: No such file or directory\n"));
        assert_eq!(said("by hand").reason, "by hand");
    }
}
