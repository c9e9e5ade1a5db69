//! A repair: its intent in the history, the change, its event. It writes only bytes that it has parsed, and replaces only bytes that it has
//! read.

use crate::diff;
use crate::healer::Heal;
use crate::history::{How, Intent};
use crate::look::{Held, Noticed, Step};
use crate::mend::mend;
use crate::read::Look;
use crate::rules::{Finding, Fix};
use podlift_common::telemetry::trace;
use podlift_host::paths;
use podlift_host::{ReplaceError, Stat, Swap};
use podlift_model::Digest;
use podlift_model::heal::HealKind;
use podlift_model::op::Component;
use std::path::Path;
use std::time::Duration;

impl Heal {
    /// Makes rescue repairs first and separately, then mode and owner, then the hygiene edits of the content. A fix that can't be made does
    /// not hold up the others. A file of a foreign owner gets its owner first, because the host does not replace such a file.
    pub(crate) fn repair(
        &self,
        mut state: Held<'_>,
        component: Component,
        look: &Look,
        findings: &[Finding],
        noticed: Noticed,
    ) -> Result<Step, ReplaceError> {
        let of =
            |kind| findings.iter().filter(move |f| f.kind == kind && f.fix.is_some()).collect::<Vec<_>>();
        let secure = findings.iter().find_map(|f| match f.fix {
            Some(Fix::Secure { mode, own }) => Some((mode, own)),
            _ => None,
        });
        let foreign = secure.is_some_and(|(_, own)| own);
        let mut failed = Vec::new();
        for (kind, first) in [(HealKind::Rescue, foreign), (HealKind::Hygiene, !foreign)] {
            if let (Some(what), Some(stat), true) = (secure, &look.stat, first) {
                return self.secure(state, component, look, stat, what, noticed);
            }
            let mended = mend(component, look, &of(kind), |hash| self.good_copy(component, hash));
            failed.extend(mended.failed);
            if let Some((after, rules)) = mended.done {
                let rules = rules.into_iter().map(String::from).collect();
                return self.put(state, component, look, rules, &after, noticed);
            }
        }
        state.notices.fail_rules(&component.file(), &failed);
        Ok(Step::Rest)
    }

    fn put(
        &self,
        state: Held<'_>,
        component: Component,
        look: &Look,
        rules: Vec<String>,
        after: &[u8],
        noticed: Noticed,
    ) -> Result<Step, ReplaceError> {
        let path = paths::manifest(component);
        let file = component.file();
        let intent =
            self.intent(component, &file, rules, (&look.hash, Digest::of(after)), noticed, How::Content);
        let _within = self.span(&state, &intent).entered();
        let swap = Swap {
            target: &path,
            bytes: after,
            seen: look.stat.as_ref().map(|stat| (stat, &look.hash)),
            scratch: Path::new(paths::SCRATCH),
        };
        self.host.files.swap(&swap, &mut || self.history.intent(intent.clone()))?;
        let done = self.host.clock.since_boot();
        self.done(state, intent, done.saturating_sub(noticed.at), || match look.bytes.is_empty() {
            true => diff::unified(b"", after),
            false => diff::unified(&look.bytes, after),
        })
    }

    fn secure(
        &self,
        state: Held<'_>,
        component: Component,
        look: &Look,
        stat: &Stat,
        (mode, own): (u32, bool),
        noticed: Noticed,
    ) -> Result<Step, ReplaceError> {
        let file = component.file();
        let hashes = (&look.hash, look.hash.clone());
        let intent = self.intent(component, &file, vec!["mode".into()], hashes, noticed, How::Mode(mode));
        let _within = self.span(&state, &intent).entered();
        self.history.intent(intent.clone())?;
        self.host.files.secure(&paths::manifest(component), stat, mode, own)?;
        let took = self.host.clock.since_boot().saturating_sub(noticed.at);
        let owner = if own { format!("; owner: {} -> 0", stat.uid) } else { String::new() };
        self.done(state, intent, took, || format!("mode: {:04o} -> {mode:04o}{owner}\n", stat.mode))
    }

    pub(crate) fn intent(
        &self,
        component: Component,
        file: &str,
        rules: Vec<String>,
        (before, after): (&Digest, Digest),
        noticed: Noticed,
        how: How,
    ) -> Intent {
        Intent {
            id: uuid::Uuid::new_v4().to_string(),
            file: file.into(),
            rules,
            at: self.host.clock.now(),
            before: before.clone(),
            after,
            component: Some(component),
            boot: Some(self.boot.clone()),
            clock: noticed.at,
            follows: noticed.follows,
            how,
        }
    }

    pub(crate) fn span(&self, state: &Held<'_>, intent: &Intent) -> tracing::Span {
        let span = tracing::info_span!("heal", node = %self.node, file = intent.file, rules = ?intent.rules, run = tracing::field::Empty);
        if let Some(guard) = self.armed_guard(state) {
            span.record("run", guard.run.as_str());
            trace::join(&span, guard.run.as_str());
        }
        span
    }

    /// Records the event of a change that is on the disk, logs it, and notifies the session.
    pub(crate) fn done(
        &self,
        mut state: Held<'_>,
        intent: Intent,
        took: Duration,
        diff: impl FnOnce() -> String,
    ) -> Result<Step, ReplaceError> {
        state.notices.repaired(&intent.file);
        drop(state);
        let latency = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let event = self.event(intent, latency, diff());
        tracing::warn!(file = event.file, rules = ?event.rules, latency_us = latency, "healed");
        self.meters.healed(&event.rules, took);
        self.history.event(event)?;
        self.healed.notify_one();
        Ok(Step::Repaired)
    }
}
