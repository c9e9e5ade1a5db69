//! The lab's own scenarios, and the ones that people bring.

use super::Scenario;
use crate::bad_input::BadInput;
use std::path::Path;

macro_rules! scenarios {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each file in `scenarios/`.
        pub const ALL: &[(&str, &str)] =
            &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/", $name, ".toml")))),*];
    };
}

scenarios![
    "bad-night",
    "heal-only",
    "unprotected",
    "rewrite",
    "coordinator-crash",
    "agent-crash",
    "reboot-mid-kubeadm",
    "drain-blocked",
    "config-reverted",
    "retry-after-heal",
    "amnesia",
    "two-coordinators",
    "api-down-for-minutes",
    "foreign-cordon",
    "node-lost",
    "apt-trouble",
    "plan-contract",
    "moved-etcd",
    "unknown-after-heal",
    "scheduler-down",
    "air-gapped",
    "source-put-back",
    "second-run",
    "repair",
    "budget-of-failures",
    "abort-half-upgraded",
    "always-some-down",
    "control-plane-lost",
    "slurm-holds-gpu",
    "vip-unnoticed",
    "refused",
    "gang",
    "image-path",
    "preflight-healthy",
    "preflight-zoo",
];

/// By the name of one of ours, or the path of a file.
pub fn find(wanted: &str) -> anyhow::Result<Scenario> {
    if let Some((name, text)) = ALL.iter().find(|(name, _)| *name == wanted) {
        return parse(text, Path::new(&format!("{name}.toml")));
    }
    if wanted.contains('/') || wanted.ends_with(".toml") {
        let path = Path::new(wanted);
        let text = podlift_common::durable::read_to_string(path)
            .map_err(|e| BadInput(format!("scenario {wanted} can't be read: {e}")))?;
        return parse(&text, path);
    }
    let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    Err(BadInput(format!(
        "no scenario is called {wanted:?}: expected one of {}, or the path of a file that ends in .toml\n next: podlift-lab demo --list",
        names.join(", ")
    ))
    .into())
}

fn parse(text: &str, path: &Path) -> anyhow::Result<Scenario> {
    let mut scenario: Scenario =
        podlift_common::config::parse(text, path).map_err(|e| BadInput(e.to_string()))?;
    scenario.name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    Ok(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lab's own, or with so many workers.
    fn shape(workers: Option<usize>) -> crate::world::Shape {
        let base = crate::world::Shape::default();
        let names = |n: usize| (0..n).map(|i| format!("dgx{:03}", 30 + i)).collect();
        crate::world::Shape { workers: workers.map_or(base.workers, names), ..base }
    }

    #[test]
    fn every_file_is_listed_and_reads() {
        let dir = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).unwrap();
        let mut files: Vec<String> =
            dir.map(|e| e.unwrap().file_name().to_string_lossy().trim_end_matches(".toml").into()).collect();
        files.sort();
        let mut listed: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
        for name in listed {
            let s = find(name).unwrap();
            super::super::check(&s, &s.shape(shape(s.cluster.workers))).unwrap();
            assert!(!s.description.is_empty() && !s.ends.is_empty(), "{name}");
            let verb = match (s.plans_only(), s.only_heal) {
                (true, _) => "plan",
                (_, true) => "heal",
                _ => "upgrade",
            };
            assert!(s.typed().any(|step| step.verb() == verb), "{name}");
        }
    }

    #[test]
    fn what_a_file_may_not_say() {
        let cases = [
            ("description = 1", "expected a string"),
            ("descripton = \"x\"", "unknown field `descripton`"),
            (
                "description = \"x\"\nends = \"y\"\n[[before]]\nexplode = \"dgx030\"",
                "unknown variant `explode`",
            ),
        ];
        for (text, want) in cases {
            let error = parse(text, Path::new("/x/mine.toml")).unwrap_err();
            let said = error.to_string();
            assert!(said.contains(want) && said.contains("/x/mine.toml"), "{said}");
            assert!(error.is::<BadInput>());
        }
    }
}
