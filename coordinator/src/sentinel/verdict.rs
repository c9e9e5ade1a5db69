//! Whether a lost object is made again now, waits for a person, or is only reported. Pure.

use super::settings::Mode;
use jiff::{SignedDuration, Timestamp};
use podlift_engine::issues::Mend;
use podlift_engine::machine::RunState;
use podlift_engine::program::PlanOptions;
use podlift_model::count;

/// Repairs of one object within an hour; whatever deletes it more often needs a person.
pub(super) const AN_HOUR: usize = 3;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is known when an object is gone.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub mend: &'a Mend,
    pub mode: Mode,
    /// The open run.
    pub run: Option<&'a RunState>,
    pub options: &'a PlanOptions,
    /// When the last repairs of this object ended that created it.
    pub mended: &'a [Timestamp],
    /// The coordinator holds an epoch.
    pub commands: bool,
    /// There is a copy to create it from.
    pub copy: bool,
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Mend,
    /// Nothing is done; the reason, and the next command.
    Leave {
        why: String,
        next: String,
    },
}

pub(super) fn verdict(case: &Case) -> Verdict {
    let leave = |why: &str, next: String| Verdict::Leave { why: why.into(), next };
    let item = case.mend.item();
    let repair = || format!("podlift repair --issue {}", case.mend.issue());
    if let Some(run) = case.run {
        match run.decision(item) {
            Some(word) if !word.approved => {
                return leave(&format!("{} has refused it: {}", word.by, word.reason), show(case.mend));
            }
            Some(_) => {}
            None if item.is_asked(&run.plan.options) => {
                return leave("the run waits for your decision about it", format!("podlift approve {item}"));
            }
            None => {}
        }
    } else if case.mode != Mode::Repair {
        return leave("[sentinel] mode is not \"repair\"", repair());
    } else if item.is_asked(case.options) {
        return leave("policy.toml asks a person before this repair ([issues] ask)", repair());
    }
    if !case.commands {
        return leave("this coordinator may not command", "podlift status".into());
    }
    if !case.copy {
        return leave("the coordinator has no copy of it", copy(case.mend));
    }
    let lately = case.mended.iter().filter(|at| case.now.duration_since(**at) < HOUR).count();
    if lately >= AN_HOUR {
        return leave(
            &format!("it was made again {} within an hour: find out what deletes it", count(lately, "time")),
            show(case.mend),
        );
    }
    Verdict::Mend
}

/// The command that shows what happens to an object.
pub(super) fn show(mend: &Mend) -> String {
    match mend {
        Mend::RestoreService { namespace, .. } => format!("kubectl -n {namespace} get events"),
        Mend::RestoreSecret { namespace, .. } => format!("kubectl -n {namespace} get secrets,events"),
        Mend::RestartRollout { namespace, .. } => format!("kubectl -n {namespace} get pods"),
        Mend::RemoveOperator => "kubectl get installations".into(),
    }
}

/// How an object comes back of which the coordinator has no copy.
fn copy(mend: &Mend) -> String {
    match mend {
        Mend::RestoreSecret { namespace, name } => {
            format!("podlift secret restore {namespace}/{name} --set SET --identity FILE")
        }
        _ => "podlift backup list".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn outside_of_runs_only_repair_mode_acts_and_each_reason_has_its_command() {
        let service = Mend::RestoreService { namespace: "runai".into(), name: "proxy".into() };
        let secret = Mend::RestoreSecret { namespace: "runai".into(), name: "ui-tls".into() };
        let (plain, asks) = (
            PlanOptions::default(),
            PlanOptions { ask_items: vec!["service-restore".into()], ..PlanOptions::default() },
        );
        let (now, early) = (at("2026-11-22T03:00:00Z"), at("2026-11-22T01:59:59Z"));
        let lately = [at("2026-11-22T02:10:00Z"), at("2026-11-22T02:20:00Z"), at("2026-11-22T02:30:00Z")];
        let case = Case {
            mend: &service,
            mode: Mode::Repair,
            run: None,
            options: &plain,
            mended: &[],
            commands: true,
            copy: true,
            now,
        };
        assert_eq!(verdict(&case), Verdict::Mend);
        assert_eq!(verdict(&Case { mended: &lately[..2], ..case }), Verdict::Mend);
        assert_eq!(
            verdict(&Case { mended: &[early, early, early], ..case }),
            Verdict::Mend,
            "an hour is over"
        );
        let leaves = |case: Case, why: &str, next: &str| match verdict(&case) {
            Verdict::Leave { why: found, next: command } => {
                assert!(found.contains(why) && command.contains(next), "{found} / {command}")
            }
            Verdict::Mend => panic!("expected: {why}"),
        };
        leaves(Case { mode: Mode::Report, ..case }, "mode is not", "podlift repair --issue load-balancers");
        leaves(Case { options: &asks, ..case }, "asks a person before", "podlift repair");
        leaves(Case { commands: false, ..case }, "may not command", "podlift status");
        leaves(Case { mended: &lately, ..case }, "3 times within an hour", "kubectl -n runai get events");
        leaves(Case { copy: false, ..case }, "no copy", "podlift backup list");
        leaves(
            Case { mend: &secret, copy: false, ..case },
            "no copy",
            "podlift secret restore runai/ui-tls --set SET --identity FILE",
        );
    }
}
