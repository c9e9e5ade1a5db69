//! Events about the known issues, the sentinel, and the words of people about them.

use crate::table::paint;
use anstyle::AnsiColor;
use podlift_engine::issues::{Writer, WriterSource};
use podlift_engine::machine::Event;
use podlift_engine::program::Severity;

/// `None` for other events.
pub(super) fn text(event: &Event) -> Option<String> {
    use Event as E;
    Some(match event {
        E::ItemApproved { item, by } => format!("{item} approved by {by}"),
        E::ItemRefused { item, reason, by } => {
            format!("{item} {} by {by}: {reason}", paint(AnsiColor::Yellow, "refused"))
        }
        E::ObjectLost { object, what, by, .. } => {
            let by = by.as_ref().map(|by| format!(" ({})", writer(by))).unwrap_or_default();
            format!("{} {}{by}", paint(AnsiColor::Red, &format!("{object}:")), what)
        }
        E::MendStarted { object, .. } => format!("{object}: podlift repairs it"),
        E::MendEnded { object, result: Ok(what), milliseconds, .. } => {
            let seconds = *milliseconds as f64 / 1000.0;
            format!("{object}: {} {what}, after {seconds:.1} s", paint(AnsiColor::Green, "repaired,"))
        }
        E::MendEnded { object, result: Err(why), .. } => {
            format!("{object}: {} {why}", paint(AnsiColor::Red, "not repaired,"))
        }
        E::SentinelSaw { what, next, severity, .. } => {
            let next = if next.is_empty() { String::new() } else { format!("\n      next: {next}") };
            format!("{} {what}{next}", paint(colour(*severity), "sentinel:"))
        }
        E::SentinelCleared { what, .. } => format!("{} {what}", paint(AnsiColor::Green, "sentinel, over:")),
        E::ReportNote { text, by } => format!("findings by {by}: {text}"),
        _ => return None,
    })
}

pub(crate) fn colour(severity: Severity) -> AnsiColor {
    match severity {
        Severity::Blocker => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    }
}

/// `last written by helm, by its managed fields`. Managed fields do not name who deleted an object.
pub(crate) fn writer(by: &Writer) -> String {
    match by.source {
        WriterSource::ManagedFields => format!("last written by {}", by.name),
        WriterSource::Event => format!("by {}, as an event says", by.name),
        WriterSource::Audit => format!("by {}, as the audit log says", by.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_engine::issues::{IssueName, Mend};

    #[test]
    fn each_event_names_the_object_and_who_did_what() {
        let object = || "service runai/runai-proxy".to_string();
        let mend = Mend::RestoreService { namespace: "runai".into(), name: "runai-proxy".into() };
        let issue = IssueName::LoadBalancers;
        let by = Writer { name: "helm".into(), at: None, source: WriterSource::ManagedFields };
        let lost = |by| Event::ObjectLost { object: object(), issue, what: "was deleted".into(), by };
        let ended = |result| Event::MendEnded { object: object(), issue, result, milliseconds: 1240 };
        let saw = |next: &str| Event::SentinelSaw {
            key: "drift/kubeadm-config".into(),
            issue: None,
            severity: Severity::Warning,
            what: "kubeadm-config has changed".into(),
            evidence: vec![],
            next: next.into(),
        };
        for (event, want) in [
            (
                Event::ItemApproved { item: "tigera-removal".into(), by: "ann".into() },
                "tigera-removal approved by ann",
            ),
            (
                Event::ItemRefused {
                    item: "tigera-removal".into(),
                    reason: "later".into(),
                    by: "ann".into(),
                },
                "tigera-removal refused by ann: later",
            ),
            (lost(None), "service runai/runai-proxy: was deleted"),
            (lost(Some(by)), "service runai/runai-proxy: was deleted (last written by helm)"),
            (
                Event::MendStarted { object: object(), issue, mend },
                "service runai/runai-proxy: podlift repairs it",
            ),
            (
                ended(Ok("created again".into())),
                "service runai/runai-proxy: repaired, created again, after 1.2 s",
            ),
            (
                ended(Err("the pool is gone".into())),
                "service runai/runai-proxy: not repaired, the pool is gone",
            ),
            (saw(""), "sentinel: kubeadm-config has changed"),
            (saw("podlift repair"), "sentinel: kubeadm-config has changed\n      next: podlift repair"),
            (
                Event::SentinelCleared { key: "a".into(), what: "as recorded again".into() },
                "sentinel, over: as recorded again",
            ),
            (
                Event::ReportNote { text: "loose cable".into(), by: "ann".into() },
                "findings by ann: loose cable",
            ),
        ] {
            let text = text(&event).unwrap();
            assert_eq!(anstream::adapter::strip_str(&text).to_string(), want);
        }
        assert_eq!(text(&Event::RunSucceeded), None);
    }
}
