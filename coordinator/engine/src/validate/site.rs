//! Scripts of the site. Each is a check of its own: exit code 0 passes.

use super::check::{Verdict, failed, open, passed};
use super::{Checked, Group, Scene, SiteOutcome, SiteSeen};
use crate::program::Severity;

/// The id of a script's check begins so.
pub(super) const PREFIX: &str = "site:";

const FOLDER: &str = "/etc/podlift/checks.d";
/// Last lines of a script's output in the evidence.
const TAIL: usize = 10;

pub(super) fn checks(scene: &Scene) -> Vec<Checked> {
    match &scene.site {
        Err(why) => {
            let verdict = open(format!("the scripts below {FOLDER} can't be run: {why}"), "podlift status");
            let title = "Scripts of the site".to_string();
            vec![verdict.checked(format!("{PREFIX}all"), title, Group::Site, Severity::Warning)]
        }
        Ok(all) => all.iter().map(one).collect(),
    }
}

fn one(seen: &SiteSeen) -> Checked {
    let title = format!("Script {} of the site", seen.name);
    judge(seen).checked(format!("{PREFIX}{}", seen.name), title, Group::Site, seen.severity)
}

fn judge(seen: &SiteSeen) -> Verdict {
    let again = format!("podlift validate --only {PREFIX}{}", seen.name);
    match &seen.outcome {
        Err(why) if seen.refused => failed(
            vec![format!("{FOLDER}/{} is refused: {why}", seen.name)],
            format!("ls -l {FOLDER}/{}", seen.name),
        ),
        Err(why) => open(format!("it was not run: {why}"), again),
        Ok(outcome) => match (&outcome.killed_by, outcome.exit_code) {
            (Some(limit), _) => {
                let what = format!("it was ended at its limit of {limit} after {} ms", outcome.milliseconds);
                failed(vec![what], again).and(tail(outcome))
            }
            (None, Some(0)) => {
                passed(format!("exit code 0 after {} ms", outcome.milliseconds)).and(tail(outcome))
            }
            (None, Some(code)) => {
                failed(vec![format!("exit code {code} after {} ms", outcome.milliseconds)], again)
                    .and(tail(outcome))
            }
            (None, None) => failed(vec!["it was ended by a signal".into()], again).and(tail(outcome)),
        },
    }
}

fn tail(outcome: &SiteOutcome) -> Vec<String> {
    let text = if outcome.stderr.trim().is_empty() { &outcome.stdout } else { &outcome.stderr };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(TAIL);
    lines[last..].iter().map(|line| line.chars().take(200).collect()).collect()
}
