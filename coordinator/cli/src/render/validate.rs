//! `podlift validate`: one row a check, those that failed first, then those that are open; their evidence below.

use super::timestamp;
use crate::out::Screen;
use crate::table::{Cell, Grid, indented, wrapped};
use anstyle::AnsiColor;
use podlift_engine::program::Severity;
use podlift_engine::validate::{Checked, Outcome, Validation};

/// Lines of evidence for one check.
const EVIDENCE: usize = 8;
/// Columns without a terminal, so that a file can be read.
const WIDTH: u16 = 100;

pub(crate) fn validation(seen: &Validation, screen: Screen) -> String {
    let screen = Screen { width: Some(screen.width.unwrap_or(WIDTH)), ..screen };
    let run = seen.run.as_ref().map(|run| format!(" after run {run}")).unwrap_or_default();
    let mut checks: Vec<&Checked> = seen.checks.iter().collect();
    checks.sort_by_key(|c| (order(c.result), c.severity));
    let mut grid = Grid::with_tail(&["RESULT", "CHECK", "GROUP", "WHAT IT SHOWS"]);
    checks.iter().for_each(|c| grid.row(row(c)));
    let head = format!("Validation at {}{run}: {}", timestamp(seen.at), seen.summary());
    let details: Vec<String> =
        checks.iter().filter(|c| c.result != Outcome::Passed).map(|c| detail(c, screen)).collect();
    let mut out = wrapped(&head, screen);
    if !checks.is_empty() {
        out = format!("{out}\n\n{}", grid.render(screen));
    }
    details.iter().fold(out, |out, detail| format!("{out}\n\n{detail}"))
}

fn order(result: Outcome) -> u8 {
    match result {
        Outcome::Failed => 0,
        Outcome::Open => 1,
        Outcome::Passed => 2,
    }
}

fn colour(check: &Checked) -> AnsiColor {
    match (check.result, check.severity) {
        (Outcome::Passed, _) => AnsiColor::Green,
        (Outcome::Failed, Severity::Blocker) => AnsiColor::Red,
        _ => AnsiColor::Yellow,
    }
}

fn row(check: &Checked) -> Vec<Cell> {
    let result = Cell::coloured(check.result.name(), Some(colour(check)));
    vec![result, Cell::from(&check.id), check.group.name().into(), Cell::from(&check.title)]
}

fn detail(check: &Checked, screen: Screen) -> String {
    let severity = match (check.result, check.severity) {
        (Outcome::Failed, Severity::Blocker) => "",
        (Outcome::Failed, Severity::Warning) => " (a warning)",
        (Outcome::Failed, Severity::Note) => " (a note)",
        _ => " (not judged)",
    };
    let width = screen.width.unwrap_or(WIDTH).into();
    let mut out = wrapped(&format!("{}: {}{severity}", check.id, check.result.name()), screen);
    for line in check.evidence.iter().take(EVIDENCE) {
        indented(line, 2, width).iter().for_each(|line| out = format!("{out}\n{line}"));
    }
    if check.evidence.len() > EVIDENCE {
        out = format!("{out}\n  {} more with -o json", check.evidence.len() - EVIDENCE);
    }
    if !check.next.is_empty() {
        out = format!("{out}\n  next: {}", check.next);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use podlift_engine::validate::{Counts, Group, SCHEMA};

    pub(crate) fn checked(id: &str, result: Outcome, next: &str) -> Checked {
        Checked {
            id: id.into(),
            title: format!("title of {id}"),
            group: Group::Network,
            severity: Severity::Blocker,
            result,
            evidence: vec![format!("evidence of {id}")],
            next: if result == Outcome::Passed { String::new() } else { next.into() },
        }
    }

    pub(crate) fn seen(checks: Vec<Checked>) -> Validation {
        let count = |result| checks.iter().filter(|c| c.result == result).count() as u32;
        let counts = Counts {
            passed: count(Outcome::Passed),
            failed: count(Outcome::Failed),
            open: count(Outcome::Open),
        };
        Validation {
            schema: SCHEMA.into(),
            at: "2026-11-22T06:00:00Z".parse().unwrap(),
            run: None,
            checks,
            counts,
        }
    }

    fn screen(width: Option<u16>) -> Screen {
        Screen { width, height: None, colour: false }
    }

    #[test]
    fn what_needs_a_person_comes_first_and_has_its_evidence() {
        let all = seen(vec![
            checked("node-versions", Outcome::Passed, ""),
            checked("storage", Outcome::Open, "podlift validate --only storage"),
            checked("dns", Outcome::Failed, "kubectl -n kube-system get pods"),
        ]);
        insta::assert_snapshot!(validation(&all, screen(Some(100))), @r"
        Validation at 2026-11-22 06:00:00Z: 1 check passed, 1 failed (dns), 1 open (storage)

        RESULT  CHECK          GROUP    WHAT IT SHOWS
        failed  dns            network  title of dns
        open    storage        network  title of storage
        passed  node-versions  network  title of node-versions

        dns: failed
          evidence of dns
          next: kubectl -n kube-system get pods

        storage: open (not judged)
          evidence of storage
          next: podlift validate --only storage
        ");
    }

    #[test]
    fn the_table_fits_a_hundred_columns_also_without_a_terminal() {
        let mut long = checked(
            "site:healthcheck_of_a_rather_long_name.py",
            Outcome::Failed,
            "cat /etc/podlift/checks.d",
        );
        long.title = "what the site's own check shows about the storage of all namespaces ".repeat(3);
        long.evidence = (0..20).map(|n| format!("line {n} {}", "of evidence ".repeat(20))).collect();
        let all = seen(vec![long, checked("dns", Outcome::Passed, "")]);
        for width in [Some(100), Some(60), None] {
            let text = validation(&all, screen(width));
            let most = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(most <= usize::from(width.unwrap_or(100)), "{most} columns for {width:?}:\n{text}");
            assert!(text.contains("12 more with -o json"), "{text}");
        }
    }
}
