//! Plans in files: a file is run as it is, by the command of its goal, or refused.

use super::*;

#[tokio::test]
async fn a_file_that_is_no_plan_is_refused_before_anybody_is_asked() {
    let site = site().await;
    let file = site.dir.path().join("plan.json");
    let other = r#"{"schema":"podlift.plan/v9"}"#;
    for (text, why) in [
        ("no json", "the file is not a plan"),
        ("{}", "the file is not a plan"),
        (other, "has schema \"podlift.plan/v9\", expected"),
    ] {
        podlift_common::durable::write(&file, text.as_bytes(), 0o600).unwrap();
        let error = site.result("upgrade --yes --plan DIR/plan.json").await.unwrap_err();
        assert_eq!((error.exit, error.next.as_str()), (Exit::Usage, "podlift help plan"), "{text}");
        assert!(error.what.ends_with("plan.json is not a plan that can be run"), "{}", error.what);
        assert!(error.why.contains(why), "{}", error.why);
    }
    assert_eq!(site.eve("upgrade --yes --plan DIR/none.json").await, Exit::Usage);
    for line in [
        "upgrade --yes",
        "upgrade --yes --plan DIR/plan.json --to v1.32.9",
        "attest all-good",
        "upgrade --to v1.32.9 --approve often",
    ] {
        assert_eq!(site.eve(line).await, Exit::Usage, "{line}");
    }
}

#[tokio::test]
async fn a_plan_from_a_file_is_run_as_it_is_and_refused_where_the_facts_have_changed() {
    let site = site().await;
    let context = Context::new(site.dir.path().join("eve.toml"), crate::out::Format::Json);
    let query = PlanQuery::new(Goal::Upgrade { to: "v1.32.9".parse().unwrap() });
    let answer = context.client().await.unwrap().plan(&query, |_| {}).await.unwrap();
    let file = site.dir.path().join("plan.json");
    podlift_common::durable::write(&file, answer.json().as_bytes(), 0o600).unwrap();
    let kubelet = |version: &str| {
        site.fleet.lock().views.get_mut(&name("dgx030")).unwrap().kubelet = Some(version.parse().unwrap());
    };
    kubelet("v1.31.8");
    let error = site.result("upgrade --yes --plan DIR/plan.json").await.unwrap_err();
    assert_eq!(error.exit, Exit::Blocked, "{error:?}");
    assert!(error.why.contains("node dgx030") && !error.why.contains("dgx031"), "{}", error.why);
    assert!(site.fleet.lock().effects.is_empty());
    kubelet("v1.31.9");
    assert_eq!(site.eve("upgrade --yes --plan DIR/plan.json").await, Exit::Done);
}

/// The document of a plan, as `-o json` prints it, in a file of the site.
async fn saved(site: &Site, goal: Goal, name: &str) {
    let context = Context::new(site.dir.path().join("eve.toml"), crate::out::Format::Json);
    let query = PlanQuery::new(goal);
    let answer = context.client().await.unwrap().plan(&query, |_| {}).await.unwrap();
    let text = crate::out::document(crate::out::Format::Json, answer.json()).unwrap();
    podlift_common::durable::write(&site.dir.path().join(name), text.as_bytes(), 0o600).unwrap();
}

#[tokio::test]
async fn a_repair_is_shown_and_run_and_each_plan_is_started_by_the_command_of_its_goal() {
    let site = site().await;
    assert_eq!(site.eve("repair --plan").await, Exit::Done);
    assert_eq!(site.eve("repair").await, Exit::Usage, "nobody can be asked");
    saved(&site, Goal::Repair, "repair.json").await;
    saved(&site, Goal::Upgrade { to: "v1.32.9".parse().unwrap() }, "upgrade.json").await;
    let file = |name: &str| site.dir.path().join(name).display().to_string();
    let error = site.result("upgrade --yes --plan DIR/repair.json").await.unwrap_err();
    assert_eq!(
        (error.exit, error.next),
        (Exit::Usage, format!("podlift repair --file {}", file("repair.json")))
    );
    let error = site.result("repair --yes --file DIR/upgrade.json").await.unwrap_err();
    assert_eq!(
        (error.exit, error.next),
        (Exit::Usage, format!("podlift upgrade --plan {}", file("upgrade.json")))
    );
    assert!(site.fleet.lock().effects.is_empty());
    assert_eq!(site.eve("repair --yes --file DIR/repair.json").await, Exit::Done);
    assert_eq!(site.fleet.count("kubeadm-config"), 1);
    assert_eq!(site.eve("report").await, Exit::Done);
}

#[tokio::test]
async fn an_edited_plan_is_refused_whatever_the_field() {
    let site = site().await;
    saved(&site, Goal::Upgrade { to: "v1.32.9".parse().unwrap() }, "plan.json").await;
    let path = site.dir.path().join("plan.json");
    let text = podlift_common::durable::read_to_string(&path).unwrap();
    for (from, to) in
        [("\"made_at\": \"2", "\"made_at\": \"3"), ("\"title\": \"Workers\"", "\"title\": \"Others\"")]
    {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        podlift_common::durable::write(&path, edited.as_bytes(), 0o600).unwrap();
        let error = site.result("upgrade --yes --plan DIR/plan.json").await.unwrap_err();
        assert!(error.why.contains("changed after it was made"), "{}", error.why);
    }
    assert!(site.fleet.lock().effects.is_empty());
}
