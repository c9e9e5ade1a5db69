//! What is a difference, what is none, and what could not be seen.

use super::*;
use crate::goals::upgrade::build;
use crate::testing::survey::{certificate, hardware};
use crate::testing::{input, name};

fn recorded() -> Recorded {
    let mut r = build(&input()).unwrap().recorded;
    r.served.as_mut().unwrap().push(ServedCertificate {
        address: "10.77.0.90:443".into(),
        server_name: "runai.example".into(),
        certificate: Ok(certificate("aa")),
        page: None,
    });
    r.mounts.insert(name("dgx030"), Ok(BTreeMap::from([("/raid".into(), "/dev/md1".into())])));
    r.infiniband.insert(name("dgx030"), Ok(vec!["mlx5_0".into()]));
    r.hardware
        .as_mut()
        .unwrap()
        .get_mut(&name("dgx030"))
        .unwrap()
        .labels
        .insert("nvidia.com/mig.config".into(), "all-1g.10gb".into());
    r
}

#[test]
fn the_same_and_more_is_no_difference() {
    let before = recorded();
    assert_eq!(compare(&before, &before), []);
    let mut more = before.clone();
    more.hardware
        .as_mut()
        .unwrap()
        .get_mut(&name("dgx030"))
        .unwrap()
        .allocatable
        .insert("nvidia.com/gpu".into(), "16".into());
    more.hardware.as_mut().unwrap().insert(name("dgx031"), hardware());
    more.runtime_classes.as_mut().unwrap().push("kata".into());
    assert_eq!(compare(&before, &more), []);
    assert_eq!(compare(&Recorded::default(), &before), []);
}

#[test]
fn each_difference_is_named() {
    type Change = fn(&mut Recorded);
    let cases: [(Change, &str, &str); 13] = [
        (
            |r| r.applications.as_mut().unwrap()[0].enabled = false,
            "bcm-application-changed",
            "calico is switched off",
        ),
        (|r| r.applications.as_mut().unwrap().clear(), "bcm-application-changed", "calico is gone"),
        (
            |r| r.served.as_mut().unwrap()[0].certificate = Ok(certificate("bb")),
            "certificate-changed",
            "(bb) instead of",
        ),
        (
            |r| r.served.as_mut().unwrap()[0].certificate = Err("refused".into()),
            "certificate-changed",
            "no certificate any more: refused",
        ),
        (|r| r.served.as_mut().unwrap().clear(), "certificate-changed", "not asked again"),
        (
            |r| r.load_balancers.as_mut().unwrap()[0].addresses = vec!["10.77.0.91".into()],
            "load-balancer-changed",
            "10.77.0.91 instead of 10.77.0.90",
        ),
        (
            |r| r.load_balancers.as_mut().unwrap()[0].assigned_by = None,
            "load-balancer-changed",
            "given by nobody known, it was metallb",
        ),
        (|r| r.load_balancers.as_mut().unwrap().clear(), "load-balancer-changed", "is gone"),
        (
            |r| r.hardware.as_mut().unwrap().get_mut(&name("dgx030")).unwrap().allocatable.clear(),
            "hardware-changed",
            "none allocatable, 8 before",
        ),
        (
            |r| r.hardware.as_mut().unwrap().get_mut(&name("dgx030")).unwrap().labels.clear(),
            "hardware-changed",
            "is absent, it was all-1g.10gb",
        ),
        (
            |r| *r.mounts.get_mut(&name("dgx030")).unwrap() = Ok(BTreeMap::new()),
            "mount-changed",
            "nothing is mounted at /raid",
        ),
        (|r| *r.infiniband.get_mut(&name("dgx030")).unwrap() = Ok(vec![]), "infiniband-changed", "mlx5_0"),
        (|r| r.tigera.as_mut().unwrap()[0].degraded = true, "tigera-changed", "calico is not as available"),
    ];
    for (change, check, want) in cases {
        let (before, mut after) = (recorded(), recorded());
        change(&mut after);
        let found = compare(&before, &after);
        assert!(
            found.len() == 1 && found[0].check == check && found[0].evidence.contains(want),
            "{want}: {found:?}"
        );
    }
}

/// A part that can't be seen after the run is unknown, and never gone.
#[test]
fn not_seen_is_never_gone() {
    let before = recorded();
    let mut after = Recorded::unseen("the API is away");
    after.infiniband.insert(name("dgx030"), Err("its agent is away".into()));
    assert_eq!(compare(&before, &after), []);
    assert!(first_unseen(&before, &after).unwrap().ends_with("the API is away"));
    let mut node = before.of_node(&name("dgx030"));
    node.hardware = Ok(BTreeMap::new());
    let away = Recorded { infiniband: after.infiniband, ..Recorded::default() };
    assert!(first_unseen(&node, &away).unwrap().starts_with("mounts of dgx030 can't be seen"));
    let unseen_before = Recorded::unseen("the API was away");
    assert_eq!((compare(&unseen_before, &before), first_unseen(&unseen_before, &before)), (vec![], None));
}

#[test]
fn certificates_of_an_address_are_compared_as_sets() {
    let served = |certificate| ServedCertificate {
        address: "10.77.0.90:443".into(),
        server_name: "runai.example".into(),
        certificate,
        page: None,
    };
    let of = |fingerprints: &[&str]| -> Recorded {
        let all = fingerprints
            .iter()
            .map(|f| served(if *f == "-" { Err("reset".into()) } else { Ok(certificate(f)) }));
        Recorded { served: Ok(all.collect()), ..Recorded::default() }
    };
    let told = |before: &[&str], after: &[&str]| -> Vec<String> {
        compare(&of(before), &of(after)).into_iter().map(|f| f.evidence).collect()
    };
    assert_eq!(told(&["aa", "bb"], &["bb", "aa"]), [""; 0], "their order is no difference");
    assert_eq!(told(&["aa", "-"], &["-", "aa"]), [""; 0], "it refused some before, too");
    assert!(told(&["aa", "bb"], &["aa", "bb", "-"])[0].contains("no certificate to some of those who ask"));
    // The rare one may have been the wrong one. The usual one is missed.
    let rare = compare(&of(&["aa", "bb"]), &of(&["aa"]));
    assert_eq!((rare.len(), rare[0].severity), (1, Severity::Warning));
    assert!(
        rare[0].evidence.ends_with("does not serve CN=runai.example (bb) any more"),
        "{}",
        rare[0].evidence
    );
    let usual = compare(&of(&["aa", "bb"]), &of(&["bb"]));
    assert_eq!((usual.len(), usual[0].severity), (1, Severity::Blocker));
    assert!(usual[0].evidence.contains("serves only CN=runai.example (bb) of"), "{}", usual[0].evidence);
    assert!(told(&["aa"], &["aa", "cc"])[0].contains("serves CN=runai.example (cc) besides"));
    assert!(told(&["aa"], &["cc"])[0].contains("(cc) instead of CN=runai.example (aa)"));
    assert!(told(&["aa"], &["-"])[0].contains("gives no certificate any more: reset"));
}
