//! Files that the kubelet names by their day: `kubelet-client-2026-11-01-00-00-00.pem`. Pure.

/// The newest of the names that continue with a day.
pub fn newest(names: &[String], start: &str) -> Option<String> {
    let dated = names.iter().filter(|n| {
        let rest = n.strip_prefix(start).and_then(|rest| rest.strip_suffix(".pem"));
        rest.is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()))
    });
    dated.max().cloned()
}
