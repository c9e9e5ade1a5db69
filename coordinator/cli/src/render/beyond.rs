//! Lines of the runbook's checklist that no step of a run fills: they rest on the site's own checks in the validation, or on a person.

use podlift_engine::validate::{Checked, Outcome, Validation};
use podlift_engine::view::Report;

/// How the ids of the site's own checks begin.
const SITE: &str = "site:";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub id: &'static str,
    pub passed: bool,
    pub evidence: String,
}

/// In the order of the runbook.
pub(crate) fn lines(r: &Report) -> [Line; 3] {
    let seen = r.validation.as_ref();
    [scripts(seen), workloads(seen), page(seen)]
}

fn site(seen: Option<&Validation>) -> Vec<&Checked> {
    seen.iter().flat_map(|v| &v.checks).filter(|c| c.id.starts_with(SITE)).collect()
}

/// All health scripts of the site, of which there is one at least.
fn scripts(seen: Option<&Validation>) -> Line {
    let all = site(seen);
    let bad: Vec<String> = all
        .iter()
        .filter(|c| c.result != Outcome::Passed)
        .map(|c| format!("{} {}", c.id, c.result.name()))
        .collect();
    let (passed, evidence) = match (seen, all.is_empty(), bad.is_empty()) {
        (None, _, _) => (false, "the cluster was not validated".into()),
        (_, true, _) => (false, "no script is in /etc/podlift/checks.d of the head node".into()),
        (_, _, true) => (true, ids(&all)),
        _ => (false, bad.join(", ")),
    };
    Line { id: "health-scripts", passed, evidence }
}

/// A script of the site whose name says that it submits work through Run:ai.
fn workloads(seen: Option<&Validation>) -> Line {
    let is_test = |c: &&&Checked| c.id.contains("runai") && c.result == Outcome::Passed;
    let (all, passed) = (site(seen), "test-workloads");
    let done: Vec<&Checked> = all.iter().filter(is_test).copied().collect();
    match done.is_empty() {
        false => Line { id: passed, passed: true, evidence: ids(&done) },
        true => Line {
            id: passed,
            passed: false,
            evidence: "no test of the site that submits work through Run:ai has passed: submit one by hand"
                .into(),
        },
    }
}

/// podlift asks for the page over TLS. Whether it works is seen by a person.
fn page(seen: Option<&Validation>) -> Line {
    let tls = seen.iter().flat_map(|v| &v.checks).find(|c| c.id == "tls");
    let asked = match tls.map(|c| c.result) {
        Some(Outcome::Passed) => {
            "podlift saw the recorded certificates at the wire; log in by hand to see that the page works"
        }
        Some(Outcome::Failed) => "the certificates at the wire are wrong, see the validation",
        Some(Outcome::Open) | None => "podlift did not see the certificates at the wire",
    };
    Line { id: "runai-page", passed: false, evidence: asked.into() }
}

fn ids(all: &[&Checked]) -> String {
    all.iter().map(|c| format!("{} passed", c.id)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::course_tests::worked;
    use crate::render::validate::tests::{checked, seen};

    #[tokio::test(start_paused = true)]
    async fn a_box_is_ticked_by_the_checks_of_the_site_alone_and_removing_one_unticks_it() {
        let scripts = [
            "site:healthcheck_ingress-nginx.py",
            "site:healthcheck_storage.py",
            "site:b200_runai_nccl_test.py",
        ];
        let mut r = worked().await;
        r.validation = None;
        let ticked = |r: &Report| lines(r).iter().filter(|l| l.passed).map(|l| l.id).collect::<Vec<_>>();
        assert_eq!(ticked(&r), Vec::<&str>::new());
        let all: Vec<Checked> =
            ["dns", "tls"].iter().chain(&scripts).map(|id| checked(id, Outcome::Passed, "")).collect();
        r.validation = Some(seen(all.clone()));
        assert_eq!(ticked(&r), ["health-scripts", "test-workloads"]);
        for (n, result, left) in [
            (2, Outcome::Failed, vec!["test-workloads"]),
            (3, Outcome::Open, vec!["test-workloads"]),
            (4, Outcome::Failed, vec![]),
            (0, Outcome::Failed, vec!["health-scripts", "test-workloads"]),
        ] {
            let mut changed = all.clone();
            changed[n].result = result;
            r.validation = Some(seen(changed));
            assert_eq!(ticked(&r), left, "{n}");
        }
        r.validation = Some(seen(all[..2].to_vec()));
        assert_eq!(ticked(&r), Vec::<&str>::new(), "no script, no tick");
        assert!(lines(&r)[0].evidence.contains("checks.d"));
    }
}
