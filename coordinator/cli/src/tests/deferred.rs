//! Nodes that were deferred: a later plan has them alone, in their time.

use super::*;

/// Starts a run, defers the node with these words, and brings the run to its end.
async fn deferred(site: &Site, words: &str) {
    assert_eq!(site.eve("upgrade --to v1.32.9 --yes --approve phase").await, Exit::Paused);
    assert_eq!(site.eve(&format!("defer {words}")).await, Exit::Done);
    while site.eve("approve --follow").await == Exit::Paused {}
    assert_eq!(site.status().await.run.unwrap().status, "succeeded");
}

#[tokio::test]
async fn a_node_that_was_deferred_is_resumed_alone() {
    let site = site().await;
    deferred(&site, "dgx031 --reason repair").await;
    let context = Context::new(site.dir.path().join("eve.toml"), crate::out::Format::Json);
    let mut query = PlanQuery::new(Goal::Upgrade { to: "v1.32.9".parse().unwrap() });
    query.options.resume_deferred = true;
    let answer = context.client().await.unwrap().plan(&query, |_| {}).await.unwrap();
    assert_eq!(answer.view().unwrap().nodes, [name("dgx031")]);
    // The version is that of the newest run.
    assert!(matches!(site.eve("plan --resume-deferred").await, Exit::Done | Exit::Blocked));
}

#[tokio::test]
async fn a_node_that_was_deferred_until_a_later_time_is_named() {
    let site = site().await;
    deferred(&site, "dgx031 --until 2999-01-01").await;
    let error = site.result("upgrade --resume-deferred --yes").await.unwrap_err();
    assert_eq!(error.exit, Exit::Usage, "{error:?}");
    let text = format!("{} {}", error.what, error.why);
    assert!(text.contains("dgx031") && text.contains("2999-01-01"), "{text}");
}
