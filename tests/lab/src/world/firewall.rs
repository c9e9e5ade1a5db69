//! nftables of a node: tables of chains of rules, as text, and what the rules do to connections to a port. Only rules that refuse with a
//! reset are understood; all others let everything through.

use jiff::Timestamp;
use std::collections::BTreeMap;

/// Who reaches a port with a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    All,
    /// Others get a reset.
    TheNodeItself,
    /// The node's own connections get a reset, too.
    None,
}

#[derive(Debug, Clone, Default)]
pub struct Firewall {
    /// Tables of the family inet.
    pub tables: BTreeMap<String, Table>,
    /// The last one that was given away.
    pub handle: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Table {
    pub handle: u64,
    pub comment: Option<String>,
    pub sets: Vec<Set>,
    pub chains: Vec<Chain>,
}

/// Ports, each for so long.
#[derive(Debug, Clone, Default)]
pub struct Set {
    pub name: String,
    pub handle: u64,
    pub elements: Vec<Element>,
}

#[derive(Debug, Clone)]
pub struct Element {
    pub port: u16,
    /// Seconds, and when the kernel removes it; None: never.
    pub timeout: Option<(u64, Timestamp)>,
}

impl Element {
    pub fn lives(&self, now: Timestamp) -> bool {
        self.timeout.is_none_or(|(_, end)| now < end)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Chain {
    pub name: String,
    pub handle: u64,
    /// Hook and priority of a base chain.
    pub hook: Option<(String, i64)>,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, Default)]
pub struct Rule {
    pub handle: u64,
    pub words: Vec<String>,
    pub comment: Option<String>,
}

impl Firewall {
    pub fn reach(&self, port: u16, now: Timestamp) -> Reach {
        let found = self.resets(port, now).map(|(chain, at)| match spares_the_node(chain, at) {
            true => Reach::TheNodeItself,
            false => Reach::None,
        });
        found.max_by_key(|r| *r == Reach::None).unwrap_or(Reach::All)
    }

    /// Whether connections that stand already are cut as well.
    pub fn cuts(&self, port: u16, now: Timestamp) -> bool {
        let only_new = |rule: &Rule| {
            let text = rule.words.join(" ");
            text.contains("tcp flags") || text.contains("ct state new")
        };
        self.resets(port, now).any(|(chain, at)| !only_new(&chain.rules[at]))
    }

    /// Rules that refuse connections to this port, each as its place in its chain.
    fn resets(&self, port: u16, now: Timestamp) -> impl Iterator<Item = (&Chain, usize)> {
        let chains = self.tables.values().flat_map(|t| t.chains.iter().map(move |c| (t, c)));
        let input = chains.filter(|(_, c)| c.hook.as_ref().is_some_and(|(hook, _)| hook == "input"));
        let places = input.flat_map(|(t, c)| (0..c.rules.len()).map(move |at| (t, c, at)));
        let hit = move |t: &Table, rule: &Rule| {
            let text = rule.words.join(" ");
            let to = text.split("tcp dport ").nth(1).and_then(|rest| rest.split(' ').next());
            let hits = match to.map(|to| to.strip_prefix('@').ok_or(to)) {
                Some(Ok(set)) => t.has(set, port, now),
                Some(Err(word)) => word == port.to_string(),
                None => false,
            };
            hits && text.contains("reject with tcp reset")
        };
        places.filter(move |(t, c, at)| hit(t, &c.rules[*at])).map(|(_, c, at)| (c, at))
    }
}

impl Table {
    fn has(&self, set: &str, port: u16, now: Timestamp) -> bool {
        let mut elements = self.sets.iter().filter(|s| s.name == set).flat_map(|s| &s.elements);
        elements.any(|e| e.port == port && e.lives(now))
    }
}

/// By the rule itself, or by one before it that accepts what comes from the node.
fn spares_the_node(chain: &Chain, at: usize) -> bool {
    let text = |i: usize| chain.rules[i].words.join(" ").replace('"', "");
    let itself = ["fib saddr type != local", "iif != lo", "iifname != lo"];
    let before = ["fib saddr type local accept", "iif lo accept", "iifname lo accept"];
    let here = itself.iter().any(|w| text(at).contains(w));
    here || (0..at).any(|i| before.iter().any(|w| text(i) == *w))
}
