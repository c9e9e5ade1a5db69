//! The next command that a pause prints, typed as it is printed.

use crate::pod::{Pod, name};
use podlift_coordinator::Command;
use podlift_engine::program::StopReason;

/// The first `podlift …` of a text, as the coordinator gets it. `Err`: it is none that goes on with a run.
pub fn command(next: &str) -> Result<Command, String> {
    let Some((_, rest)) = next.split_once("podlift ") else {
        return Err(format!("no podlift command in {next:?}"));
    };
    let ends = |w: &&str| !matches!(*w, "or" | "and" | "then");
    let words: Vec<&str> = rest
        .split_whitespace()
        .take_while(ends)
        .map(|w| w.trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '`' | '.' | '(' | ')')))
        .collect();
    let value = |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
    let reason = || "the lab presses the printed command".to_string();
    match words.as_slice() {
        ["retry", ..] => {
            let step = value("--step").map(str::parse).transpose();
            let step = step.map_err(|e| format!("{next:?} names no step: {e}"))?;
            Ok(Command::Retry { step, repair_dpkg: words.contains(&"--repair-dpkg") })
        }
        ["resume", ..] => Ok(Command::Resume),
        ["approve", ..] => Ok(Command::Approve),
        ["takeover", ..] => Ok(Command::Takeover),
        ["defer", node, ..] => Ok(Command::Defer { node: name(node), reason: reason() }),
        _ => Err(format!("{next:?} goes on with no run")),
    }
}

/// Types what a pause prints.
pub async fn next(pod: &Pod, reason: &StopReason) -> Result<String, String> {
    let command = command(&reason.next)?;
    pod.say(command).await.map_err(|e| format!("{:?} was refused: {e}", reason.next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_commands() {
        assert!(matches!(
            command("mend it, then: podlift retry"),
            Ok(Command::Retry { step: None, repair_dpkg: false })
        ));
        let one = command("`podlift retry --step workers/dgx030/drain`, or podlift defer dgx030");
        assert!(
            matches!(one, Ok(Command::Retry { step: Some(ref s), .. }) if s.to_string() == "workers/dgx030/drain")
        );
        assert!(matches!(command("podlift defer dgx030 --reason X"), Ok(Command::Defer { .. })));
        assert!(command("ask your administrator").is_err());
        assert!(command("podlift status").is_err());
    }
}
