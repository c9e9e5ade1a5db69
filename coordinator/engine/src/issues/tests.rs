//! What is a sighting of each issue, and what is close to one.

mod calico;
mod components;
mod tls;

use super::*;
use crate::program::Severity;
use crate::survey::{ClusterSurvey, LoadBalancerView};
use crate::testing::survey::cluster_survey;
use jiff::Timestamp;

fn now() -> Timestamp {
    "2025-10-20T20:00:00Z".parse().unwrap()
}

fn at(survey: &ClusterSurvey) -> Observed<'_> {
    Observed::of(survey, now())
}

fn balancer(name: &str, addresses: &[&str], by: Option<&str>) -> LoadBalancerView {
    LoadBalancerView {
        namespace: "runai".into(),
        name: name.into(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
        assigned_by: by.map(String::from),
        requested: None,
        ports: vec![443],
    }
}

/// (severity, what, mended)
fn told(before: &[LoadBalancerView], after: &[LoadBalancerView]) -> Vec<(Severity, String, bool)> {
    let before = Recorded { load_balancers: Ok(before.to_vec()), ..Recorded::default() };
    let survey = ClusterSurvey { load_balancers: Ok(after.to_vec()), ..cluster_survey() };
    let seen = seen_of(IssueName::LoadBalancers, &before, &at(&survey));
    assert!(seen.iter().all(|s| !s.next.is_empty() && s.issue == IssueName::LoadBalancers));
    seen.into_iter().map(|s| (s.severity, s.what, s.mend.is_some())).collect()
}

#[test]
fn a_service_that_is_gone_is_mended_and_one_that_changed_is_shown() {
    let proxy = |addresses: &[&str]| balancer("proxy", addresses, Some("metallb"));
    let was = [proxy(&["10.0.0.1"])];
    let cases = [
        (vec![], Severity::Blocker, "service runai/proxy is gone or no LoadBalancer any more", true),
        (vec![proxy(&["10.0.0.2"])], Severity::Blocker, "has address 10.0.0.2 instead of 10.0.0.1", false),
        (vec![proxy(&[])], Severity::Blocker, "has address none instead of 10.0.0.1", false),
        (
            vec![balancer("proxy", &["10.0.0.1"], Some("kube-vip"))],
            Severity::Warning,
            "is now given by kube-vip, it was metallb",
            false,
        ),
        (
            vec![proxy(&["10.0.0.1"]), balancer("new", &[], None)],
            Severity::Warning,
            "LoadBalancer service runai/new has no address",
            false,
        ),
    ];
    for (after, severity, what, mended) in cases {
        let seen = told(&was, &after);
        assert!(
            matches!(&seen[..], [(s, text, mend)] if *s == severity && text.contains(what) && *mend == mended),
            "{what}: {seen:?}"
        );
    }
}

#[test]
fn a_service_that_is_as_it_was_or_was_not_recorded_is_no_sighting() {
    let two = |a: &str, b: &str| [balancer("proxy", &[a, b], None)];
    assert_eq!(told(&two("a", "b"), &two("b", "a")), [], "their order is no difference");
    assert_eq!(told(&[], &[balancer("new", &["a"], None)]), []);
    let was = [balancer("proxy", &["a"], None)];
    assert_eq!(told(&was, &[balancer("proxy", &["a"], Some("metallb"))]), [], "it was not known before");
    let unseen = ClusterSurvey { load_balancers: Err("forbidden".into()), ..cluster_survey() };
    let before = Recorded { load_balancers: Ok(was.to_vec()), ..Recorded::default() };
    assert_eq!(seen_of(IssueName::LoadBalancers, &before, &at(&unseen)), [], "not seen is not gone");
}

#[test]
fn a_sighting_names_the_writer_and_both_states() {
    let before = Recorded {
        load_balancers: Ok(vec![balancer("proxy", &["a"], Some("metallb"))]),
        ..Recorded::default()
    };
    let survey = ClusterSurvey { load_balancers: Ok(vec![]), ..cluster_survey() };
    let mut seen = at(&survey);
    let writer = Writer { name: "cmd".into(), at: Some(now()), source: WriterSource::Audit };
    seen.writers.insert("service runai/proxy".into(), writer.clone());
    let found = seen_of(IssueName::LoadBalancers, &before, &seen).remove(0);
    assert_eq!((found.by, found.since), (Some(writer), Some(now())));
    let facts: Vec<&str> = found.evidence.iter().map(|fact| fact.what.as_str()).collect();
    assert_eq!(facts, ["it had a, given by metallb", "no such service of type LoadBalancer"]);
    assert_eq!(found.next, "podlift repair --issue load-balancers");
}

#[test]
fn every_issue_has_a_page_and_a_name_that_is_read_again() {
    for issue in IssueName::ALL {
        assert_eq!(issue.name().parse(), Ok(issue));
        assert_eq!(serde_json::to_value(issue).unwrap(), issue.name());
        let page = page(issue);
        assert!([page.explains, page.means, page.repairs].iter().all(|text| text.ends_with('.')));
        let item: crate::program::Item = page.asks.unwrap().parse().unwrap();
        assert_eq!(item.name(), page.asks.unwrap());
    }
    let error = "services".parse::<IssueName>().unwrap_err().to_string();
    assert!(error.contains("\"services\"") && error.contains("etcd-servers, feature-gates"), "{error}");
}

#[test]
fn a_healthy_cluster_shows_nothing() {
    let survey = cluster_survey();
    let before = Recorded { load_balancers: survey.load_balancers.clone(), ..Recorded::default() };
    assert_eq!(seen(&before, &at(&survey)), []);
}
