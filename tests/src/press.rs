//! The next command that a pause prints, typed as it is printed: each part of `A && B` where a person types it.

use crate::pod::{Pod, name};
use podlift_coordinator::Command;
use podlift_engine::program::{Item, StopReason};
use podlift_lab::objects::Key;
use podlift_lab::{World, doubles};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The words of the first `podlift …` of a text, up to the end of its clause.
fn words(next: &str) -> Option<Vec<&str>> {
    let mut words = vec!["podlift"];
    for word in next.split_once("podlift ")?.1.split_whitespace() {
        if matches!(word, "or" | "and" | "then" | "&&") {
            break;
        }
        let bare = word.trim_end_matches([',', ';', ':', '`', '.', ')']);
        words.push(bare);
        if bare.len() < word.len() {
            break;
        }
    }
    Some(words)
}

/// A word that a person has to replace, as `NODE` or `CHECK=REASON`.
fn is_placeholder(word: &str) -> bool {
    let value = word.rsplit_once('=').map_or(word, |(_, value)| value);
    value.len() > 1 && value.bytes().all(|b| b.is_ascii_uppercase())
}

/// The first `podlift …` of a text, as the coordinator gets it: one command or two. `Err`: the command line refuses it as it is printed, or
/// it goes on with no run.
pub fn commands(next: &str) -> Result<Vec<Command>, String> {
    let words = words(next).ok_or_else(|| format!("no podlift command in {next:?}"))?;
    if let Some(placeholder) = words.iter().find(|w| is_placeholder(w)) {
        return Err(format!("{next:?} can't be typed as it is printed: {placeholder} is a placeholder"));
    }
    podlift_cli::parse(&words).map_err(|why| format!("{next:?} can't be typed as it is printed: {why}"))?;
    let value = |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
    let reason = || "the lab presses the printed command".to_string();
    let command = match &words[1..] {
        ["retry", ..] => {
            let step = value("--step").map(str::parse).transpose();
            let step = step.map_err(|e| format!("{next:?} names no step: {e}"))?;
            Command::Retry { step, repair_dpkg: words.contains(&"--repair-dpkg") }
        }
        ["resume", ..] => Command::Resume,
        ["approve", ..] => Command::Approve,
        ["takeover", ..] => Command::Takeover,
        ["defer", node, ..] => Command::Defer { node: name(node), reason: reason(), until: None },
        _ => return Err(format!("{next:?} goes on with no run")),
    };
    let unwaive = value("--unwaive").map(|check| Command::Unwaive { check: check.into() });
    Ok(unwaive.into_iter().chain([command]).collect())
}

/// Types what a pause prints.
pub async fn next(pod: &Pod, reason: &StopReason) -> Result<(), String> {
    let refused = |why: String| format!("{:?}: {why}", reason.next);
    for part in reason.next.split("&&").map(str::trim) {
        let part = part.rsplit_once("then: ").map_or(part, |(_, command)| command);
        match part.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["kubectl", rest @ ..] => kubectl(&pod.world, rest).map_err(refused)?,
            ["ssh", node, command, args @ ..] => {
                shell(&pod.world, node, command, args).await.map_err(refused)?
            }
            _ => podlift(pod, part).await.map_err(refused)?,
        }
    }
    Ok(())
}

/// Approves an item of the open run, or refuses it for this reason.
pub async fn decide(pod: &Pod, item: Item, refused: Option<&str>) -> Result<(), String> {
    let command = Command::Item { item, refused: refused.map(String::from) };
    pod.say(command).await.map(drop).map_err(|e| e.to_string())
}

/// The item that a printed command approves.
fn item(part: &str) -> Option<Item> {
    words(part)?.iter().zip(words(part)?.iter().skip(1)).find_map(|(verb, item)| match *verb {
        "approve" => item.parse().ok(),
        _ => None,
    })
}

async fn podlift(pod: &Pod, part: &str) -> Result<(), String> {
    if let Some(item) = item(part) {
        commands(part)?;
        return decide(pod, item, None).await;
    }
    for command in commands(part)? {
        pod.say(command).await.map_err(|e| format!("refused: {e}"))?;
    }
    Ok(())
}

/// What kubectl changes. An editor changes nothing here: whoever makes the pause mends its cause first.
fn kubectl(world: &World, words: &[&str]) -> Result<(), String> {
    match words {
        ["uncordon", node] => {
            let schedulable = |v: &mut serde_json::Value| {
                if let Some(spec) = v["spec"].as_object_mut() {
                    spec.remove("unschedulable");
                }
            };
            let found = world.update(|s| s.api.change(&Key::node(node), schedulable)).is_some();
            if found { Ok(()) } else { Err(format!("there is no node {node}")) }
        }
        ["annotate", "node", node, marks @ ..] if marks.iter().all(|m| m.ends_with('-')) => {
            let unmarked = |v: &mut serde_json::Value| {
                if let Some(all) = v["metadata"]["annotations"].as_object_mut() {
                    marks.iter().for_each(|mark| drop(all.remove(mark.trim_end_matches('-'))));
                }
            };
            let found = world.update(|s| s.api.change(&Key::node(node), unmarked)).is_some();
            if found { Ok(()) } else { Err(format!("there is no node {node}")) }
        }
        ["-n", "kube-system", "edit", "cm", "kubeadm-config" | "kubelet-config"] => Ok(()),
        _ => Err(format!("kubectl {} is not known here", words.join(" "))),
    }
}

/// A command on a node.
async fn shell(world: &Arc<World>, node: &str, command: &str, args: &[&str]) -> Result<(), String> {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let ended = doubles::run(world, node, command, &args, &BTreeMap::new()).await;
    match ended {
        Some(ended) if ended.code == 0 => Ok(()),
        Some(ended) => Err(format!("exit code {}: {}", ended.code, ended.stderr)),
        None => Err(format!("{node} has no {command}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last command of a printed text.
    fn last(next: &str) -> Command {
        commands(next).unwrap().pop().unwrap()
    }

    #[test]
    fn printed_commands_are_read_as_they_are_typed() {
        assert!(matches!(
            last("mend it, then: podlift retry"),
            Command::Retry { step: None, repair_dpkg: false }
        ));
        let one = last("`podlift retry --step workers/dgx030/drain`, or podlift defer dgx030");
        assert!(
            matches!(one, Command::Retry { step: Some(ref s), .. } if s.to_string() == "workers/dgx030/drain")
        );
        assert!(matches!(last("podlift defer dgx030 --reason X"), Command::Defer { .. }));
        assert!(matches!(last("podlift resume, when the switch is back"), Command::Resume));
        let both = commands("podlift retry --unwaive flag-loss").unwrap();
        assert!(
            matches!(&both[..], [Command::Unwaive { check }, Command::Retry { .. }] if check == "flag-loss")
        );
    }

    #[test]
    fn a_placeholder_or_a_command_that_goes_on_with_nothing_is_refused() {
        for placeholder in [
            "podlift retry --step STEP",
            "podlift defer NODE",
            "podlift retry --unwaive",
            "podlift retry --stop",
        ] {
            let why = commands(placeholder).unwrap_err();
            assert!(why.contains("can't be typed"), "{placeholder}: {why}");
        }
        assert!(commands("ask your administrator").is_err());
        assert!(commands("podlift status").is_err());
    }
}
