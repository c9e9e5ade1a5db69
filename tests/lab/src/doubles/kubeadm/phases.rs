//! --skip-phases.

use super::error::{Ended, Failed};
use crate::doubles::words::Words;

pub fn skipped(words: &Words, known: &[&str]) -> Ended<Vec<String>> {
    let all = words.options.iter().filter(|(n, _)| n == "--skip-phases").flat_map(|(_, v)| v.split(','));
    let all: Vec<String> = all.map(|p| p.trim().to_string()).filter(|p| !p.is_empty()).collect();
    match all.iter().find(|p| !known.contains(&p.split('/').next().unwrap_or_default())) {
        Some(bad) => Err(Failed::new(format!("invalid phase name: {bad}"))),
        None => Ok(all),
    }
}

pub fn skips(all: &[String], phase: &str) -> bool {
    all.iter().any(|p| p == phase)
}
