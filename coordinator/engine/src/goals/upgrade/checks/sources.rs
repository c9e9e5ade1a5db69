//! apt sources that podlift does not own and that are broken, or whose repository no longer exists. podlift fetches only its own lists, but
//! any other `apt-get update` fails on these sources.

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
