//! Decisions of the API server, case by case.

use super::*;
use crate::survey::{Expression, Selector};
use crate::testing::survey::{budget, pod};

fn seen(pods: &[PodView], budgets: &[BudgetView]) -> Vec<(String, bool)> {
    let pods: Vec<&PodView> = pods.iter().collect();
    obstacles(&pods, &Budgets::new(budgets)).into_iter().map(|o| (o.pod, o.forever)).collect()
}

fn web(n: u32) -> PodView {
    pod("a", &format!("web-{n}"), "dgx030", "ReplicaSet/web")
}

#[test]
fn what_is_left_of_a_budget_is_counted_over_the_node() {
    let two = [web(1), web(2)];
    assert_eq!(seen(&two, &[budget("a", "web", 2, 4, 2, 4)]), []);
    assert_eq!(seen(&two, &[budget("a", "web", 1, 4, 3, 4)]), [("a/web-2".into(), false)]);
    assert_eq!(seen(&two, &[budget("b", "web", 0, 4, 4, 4)]), [], "another namespace");
    assert_eq!(seen(&two, &[budget("a", "db", 0, 4, 4, 4)]), [], "another label");
}

#[test]
fn nothing_allowed_is_for_ever_only_where_health_would_not_help() {
    assert_eq!(seen(&[web(1)], &[budget("a", "web", 0, 4, 4, 4)]), [("a/web-1".into(), true)]);
    assert_eq!(seen(&[web(1)], &[budget("a", "web", 0, 3, 3, 4)]), [("a/web-1".into(), false)]);
}

#[test]
fn two_budgets_on_a_pod_end_with_500_and_take_nothing() {
    let second = BudgetView { name: "other".into(), ..budget("a", "web", 9, 4, 0, 4) };
    assert_eq!(seen(&[web(1)], &[budget("a", "web", 9, 4, 0, 4), second]), [("a/web-1".into(), true)]);
}

#[test]
fn a_pod_that_is_not_ready_passes_a_content_budget_or_always() {
    let sick = PodView { ready: false, ..web(1) };
    let one = || [sick.clone()];
    assert_eq!(seen(&one(), &[budget("a", "web", 0, 3, 3, 4)]), [], "content without it");
    assert_eq!(seen(&one(), &[budget("a", "web", 0, 2, 3, 4)]), [("a/web-1".into(), false)]);
    let always = BudgetView { unhealthy_policy: "AlwaysAllow".into(), ..budget("a", "web", 0, 2, 3, 4) };
    assert_eq!(seen(&one(), std::slice::from_ref(&always)), []);
    assert_eq!(
        seen(&[web(1)], &[always]),
        [("a/web-1".into(), false)],
        "the policy is for unready pods only"
    );
    assert_eq!(
        seen(&one(), &[budget("a", "web", 0, 0, 0, 4)]),
        [("a/web-1".into(), false)],
        "nothing is wanted"
    );
    let took_nothing = [sick.clone(), web(2)];
    assert_eq!(seen(&took_nothing, &[budget("a", "web", 1, 3, 2, 4)]), []);
}

#[test]
fn a_budget_that_is_behind_its_specification_refuses() {
    let stale = BudgetView { observed: false, ..budget("a", "web", 3, 4, 1, 4) };
    assert_eq!(seen(&[web(1)], &[stale]), [("a/web-1".into(), false)]);
}

#[test]
fn pods_that_no_eviction_asks_a_budget_for() {
    let none = [budget("a", "web", 0, 4, 4, 4)];
    let cases = [
        PodView { finished: true, ..web(1) },
        PodView { phase: "Pending".into(), ..web(1) },
        PodView { mirror: true, ..web(1) },
        PodView { daemon_set: true, ..web(1) },
    ];
    assert_eq!(seen(&cases, &none), []);
    assert_eq!(seen(&[web(1)], &none).len(), 1);
}

#[test]
fn selectors_as_kubernetes_reads_them() {
    let labels = BTreeMap::from([("app".to_string(), "web".to_string())]);
    let expression = |key: &str, operator: &str, values: &[&str]| Selector {
        expressions: vec![Expression {
            key: key.into(),
            operator: operator.into(),
            values: values.iter().map(|v| v.to_string()).collect(),
        }],
        ..Selector::default()
    };
    let cases = [
        (Selector::default(), true),
        (Selector { nothing: true, ..Selector::default() }, false),
        (expression("app", "In", &["web", "db"]), true),
        (expression("app", "In", &["db"]), false),
        (expression("app", "NotIn", &["db"]), true),
        (expression("tier", "NotIn", &["db"]), true),
        (expression("app", "NotIn", &["web"]), false),
        (expression("app", "Exists", &[]), true),
        (expression("tier", "Exists", &[]), false),
        (expression("tier", "DoesNotExist", &[]), true),
        (expression("app", "DoesNotExist", &[]), false),
        (expression("app", "Unheard", &[]), false),
    ];
    for (selector, want) in cases {
        assert_eq!(selector.matches(&labels), want, "{selector:?}");
    }
}
