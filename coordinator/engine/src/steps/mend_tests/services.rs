//! A service that is there, and is not as the record has it.

use super::*;

#[test]
fn a_service_that_gets_no_address_waits_and_a_person_may_go_on_without_it() {
    let mut i = site();
    let all = i.cluster_survey.as_mut().unwrap().load_balancers.as_mut().unwrap();
    all[0].addresses = vec!["10.77.0.90".into(), "fd00::90".into()];
    let state = run(&i);
    for (given, due) in
        [(vec![], "address 10.77.0.90, fd00::90 yet"), (vec!["10.77.0.90"], "address fd00::90 yet")]
    {
        let reply = service(Some(balancer(&given)), Some(raw()));
        let why = told(judged(&state, SERVICE, true, &reply));
        assert!(why.starts_with("wait: ") && why.contains(due), "{why}");
        assert!(why.contains("podlift attest differences-accepted --note WHY && podlift retry"), "{why}");
        assert!(why.contains("helm -n ingress upgrade nginx"), "{why}");
        let no = told(judged(&refused(state.clone(), "service-restore"), SERVICE, true, &reply));
        assert!(no.starts_with("partly: ") && no.contains("refused by bob"), "{no}");
        let step = spec(&state, SERVICE).id.clone();
        let reason = why.trim_start_matches("wait: ").to_string();
        let waits = say(Some(state.clone()), Event::StepWaiting { step, reason });
        let word = Event::Attested { name: DIFFERENCES.into(), by: "jane".into(), note: String::new() };
        let kept = told(judged(&say(Some(waits), word), SERVICE, true, &reply));
        assert!(kept.starts_with("partly: ") && kept.ends_with("accepted by jane"), "{kept}");
    }
}

#[test]
fn a_service_that_the_keeper_has_created_is_one_that_podlift_has_created() {
    let mend = Mend::RestoreService { namespace: "ingress".into(), name: "nginx".into() };
    let (object, issue) = (mend.object(), IssueName::LoadBalancers);
    let mended = say(Some(run(&site())), Event::MendStarted { object, issue, mend });
    let of = |state: &RunState, manager: &str| {
        let mut now = balancer(&["10.77.0.91"]);
        now.raw["metadata"]["managedFields"] = json!([{"manager": manager}]);
        stopped(judged(state, SERVICE, false, &service(Some(now), Some(raw())))).code
    };
    assert_eq!(of(&mended, "podlift"), "address-changed");
    assert_eq!(of(&mended, "kubectl"), "made-anew", "a person was faster");
    assert_eq!(of(&run(&site()), "podlift"), "made-anew", "of an earlier run");
}
