//! Which container of a pod a hook concerns: the only one that runs, or the one that the pod's annotation
//! `kubectl.kubernetes.io/default-container` names. The runtime does not know the order of the pod's containers, so that several without
//! the annotation can't be told apart; a guess could save the state of a log shipper.

use crate::ops::Cx;
use podlift_model::checkpoint::CONTAINER;
use podlift_model::count;
use podlift_tools::crictl::{self, RunningContainer, Sandbox};
use podlift_tools::whole;

pub(super) async fn of(cx: &Cx<'_>, sandbox: &Sandbox) -> Result<RunningContainer, String> {
    let running = crictl::running_in(&cx.node.host, &sandbox.id).await.map_err(whole)?;
    let named = sandbox.annotations.get(CONTAINER).map(String::as_str);
    choose(running, named)
}

fn choose(mut running: Vec<RunningContainer>, named: Option<&str>) -> Result<RunningContainer, String> {
    if let Some(name) = named {
        let own = running.into_iter().find(|container| container.name == name);
        return own.ok_or_else(|| format!("its container {name}, which {CONTAINER} names, does not run"));
    }
    match (running.pop(), running.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err("none of its containers runs".into()),
        (Some(last), _) => {
            let names: Vec<&str> = running.iter().chain([&last]).map(|c| c.name.as_str()).collect();
            let all = count(names.len(), "container");
            Err(format!(
                "{all} of it run ({}), and none is named: name one with the annotation {CONTAINER} in the pod's template",
                names.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Containers that run, the annotation, and the chosen name or the beginning of the reason.
    type Case<'a> = (&'a [&'a str], Option<&'a str>, Result<&'a str, &'a str>);

    #[test]
    fn the_only_one_or_the_named_one() {
        let cases: [Case<'_>; 6] = [
            (&["train"], None, Ok("train")),
            (&["logs", "train"], Some("train"), Ok("train")),
            (&["train"], Some("train"), Ok("train")),
            (&[], None, Err("none of its containers runs")),
            (
                &["logs"],
                Some("train"),
                Err("its container train, which kubectl.kubernetes.io/default-container names, does not run"),
            ),
            (&["logs", "train"], None, Err("2 containers of it run (logs, train), and none is named")),
        ];
        for (names, named, want) in cases {
            let container = |name: &&str| RunningContainer { id: format!("id-{name}"), name: (*name).into() };
            let got = choose(names.iter().map(container).collect(), named);
            match (got, want) {
                (Ok(got), Ok(want)) => assert_eq!(got.id, format!("id-{want}")),
                (Err(got), Err(want)) => assert!(got.starts_with(want), "{got}"),
                (got, want) => panic!("{names:?}, {named:?}: {got:?}, expected {want:?}"),
            }
        }
    }
}
