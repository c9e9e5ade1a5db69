//! docs/bcm.md says what to do for each code with which a step of BCM stops a run.
#![allow(clippy::disallowed_methods)] // a test reads sources and documentation

use std::collections::BTreeSet;
use std::path::Path;

/// Files, from this crate, whose codes of BCM a person may see.
const SOURCES: [&str; 2] = ["../../common/model/src/codes.rs", "../engine/src/steps"];
/// How such a code begins.
const STARTS: [&str; 3] = ["bcm-", "sync-touches", "sync-deletes"];

fn text(path: &Path) -> String {
    match path.is_dir() {
        true => std::fs::read_dir(path).unwrap().map(|entry| text(&entry.unwrap().path())).collect(),
        false => std::fs::read_to_string(path).unwrap(),
    }
}

/// The codes of a source: literals behind `blocked(`, and those of constants.
fn codes(source: &str) -> BTreeSet<String> {
    let literal = |part: &str| {
        let code = part.trim_start().strip_prefix('"')?.split('"').next()?;
        STARTS.iter().any(|start| code.starts_with(start)).then(|| code.to_string())
    };
    ["blocked(", "&str = "]
        .into_iter()
        .flat_map(|start| source.split(start).skip(1))
        .filter_map(literal)
        .collect()
}

#[test]
fn each_code_of_bcm_is_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: String = SOURCES.iter().map(|path| text(&root.join(path))).collect();
    let doc = text(&root.join("../../docs/bcm.md"));
    let codes = codes(&sources);
    assert!(codes.len() > 12, "only {codes:?}");
    let missing: Vec<&String> = codes.iter().filter(|code| !doc.contains(&format!("`{code}`"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
}
