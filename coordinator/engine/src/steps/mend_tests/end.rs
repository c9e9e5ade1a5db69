//! The comparison and the validation at the end: what stops a run, and what a refusal explains.

use super::*;
use crate::program::Severity;
use crate::validate::{Checked, Counts, Group, Outcome, Validation};

fn validation(id: &str, result: Outcome, severity: Severity) -> Reply {
    let check = Checked {
        id: id.into(),
        title: "t".into(),
        group: Group::Network,
        severity,
        result,
        evidence: vec!["seen so".into()],
        next: "kubectl get nodes".into(),
    };
    let counts = Counts { failed: 1, ..Counts::default() };
    let seen =
        Validation { schema: "s".into(), at: Timestamp::UNIX_EPOCH, run: None, checks: vec![check], counts };
    Reply::Cluster(ClusterReply::Validation(Box::new(seen)))
}

#[test]
fn a_failed_check_stops_the_run_unless_it_follows_from_a_refusal() {
    let (state, id) = (run(&site()), "validate/validate");
    let wait = told(judged(&state, id, false, &validation("tls", Outcome::Failed, Severity::Blocker)));
    assert!(wait.starts_with("wait: 1 check failed: tls: seen so. First: kubectl get nodes"), "{wait}");
    for (result, severity) in [
        (Outcome::Passed, Severity::Blocker),
        (Outcome::Open, Severity::Blocker),
        (Outcome::Failed, Severity::Warning),
    ] {
        let verdict = judged(&state, id, false, &validation("tls", result, severity));
        assert!(matches!(verdict, Assess::Done(Evidence::Validated { .. })), "{verdict:?}");
    }
    let no = refused(state.clone(), "secret-restore");
    let Assess::Done(Evidence::Validated { validation: kept, .. }) =
        judged(&no, id, false, &validation("tls", Outcome::Failed, Severity::Blocker))
    else {
        panic!()
    };
    assert_eq!((kept.checks[0].result, kept.checks[0].severity), (Outcome::Failed, Severity::Warning));
    let other = told(judged(&no, id, false, &validation("etcd", Outcome::Failed, Severity::Blocker)));
    assert!(other.starts_with("wait: "), "{other}");
    // A person says that it is meant.
    let step = spec(&state, id).id.clone();
    let reason = wait.trim_start_matches("wait: ").to_string();
    let waits = say(Some(state), Event::StepWaiting { step, reason });
    let word = Event::Attested { name: DIFFERENCES.into(), by: "jane".into(), note: String::new() };
    let accepted = say(Some(waits), word);
    let failed = |ids: &[&str], evidence: &str| {
        let Reply::Cluster(ClusterReply::Validation(mut seen)) =
            validation(ids[0], Outcome::Failed, Severity::Blocker)
        else {
            panic!()
        };
        let first = Checked { evidence: vec![evidence.into()], ..seen.checks[0].clone() };
        seen.checks = ids.iter().map(|id| Checked { id: (*id).into(), ..first.clone() }).collect();
        Reply::Cluster(ClusterReply::Validation(seen))
    };
    let of = |ids: &[&str], evidence: &str| told(judged(&accepted, id, false, &failed(ids, evidence)));
    // The evidence is another at each validation; the check is the same.
    for evidence in ["seen so", "seen after 17 ms"] {
        assert!(of(&["tls"], evidence).ends_with("Accepted by jane"), "{evidence}");
    }
    for ids in [&["dns"][..], &["tls", "dns"]] {
        assert!(of(ids, "seen so").starts_with("wait: "), "{ids:?}");
    }
    let many = of(&["a", "b", "c", "d", "e", "pods", "static-pods"], "seen so");
    assert!(many.contains("; e: seen so; pods: failed too; static-pods: failed too. First: "), "{many}");
}

#[test]
fn what_follows_from_a_refusal_is_a_warning_of_the_comparison() {
    let state = run(&site());
    let mut now = site().cluster_survey.unwrap();
    now.load_balancers = Ok(vec![]);
    let reply = Reply::All(vec![Reply::Cluster(ClusterReply::Survey(Box::new(now)))]);
    assert!(told(judged(&state, "after/compare", false, &reply)).starts_with("wait: 1 difference"));
    let verdict = judged(&refused(state.clone(), "service-restore"), "after/compare", false, &reply);
    let Assess::Done(Evidence::Compared { findings, .. }) = verdict else { panic!("{verdict:?}") };
    assert!(matches!(&findings[..], [one] if one.severity == Severity::Warning), "{findings:?}");
    let other = refused(state, "tigera-removal");
    assert!(told(judged(&other, "after/compare", false, &reply)).starts_with("wait: "));
}
