//! apt sources of others that are broken or name a repository that is gone: podlift fetches its own lists only, and everybody else's
//! `apt-get update` fails on them.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let sources = view.surveys().flat_map(|(node, s)| s.foreign_sources.iter().map(move |f| (node, f)));
    sources
        .map(|(node, source)| {
            let evidence = format!("{}: {}", source.file, source.what);
            let next = format!("ssh {node} cat {}", source.file);
            finding("apt-sources", Severity::Warning, Some(node), evidence, &next)
        })
        .collect()
}
