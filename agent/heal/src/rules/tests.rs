//! Verdicts as a table.

use super::*;
use crate::expectations::Forbidden;

const SERVERS: &str = "https://10.77.0.11:2379";

fn manifest(image: &str, flags: &[&str]) -> Seen {
    let items: String = flags.iter().map(|f| format!("    - {f}\n")).collect();
    let text = format!(
        "spec:\n  containers:\n  - name: kube-apiserver\n    image: {image}\n    command:\n    - kube-apiserver\n{items}"
    );
    Seen::Manifest(Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap())
}

fn v132(flags: &[&str]) -> Seen {
    manifest("registry.k8s.io/kube-apiserver:v1.32.9", flags)
}

fn verdicts(seen: &Seen, now: &Situation<'_>) -> Vec<String> {
    let show = |f: Finding| format!("{}{}", f.rule, if f.fix.is_some() { "!" } else { "" });
    judge(Component::KubeApiserver, seen, now).into_iter().map(show).collect()
}

fn learned(forbidden: Option<Forbidden>) -> Expectations {
    Expectations {
        etcd_servers: SERVERS.into(),
        etcd_cluster: Some("abc".into()),
        etcd_overrides: Some("/events#https://e:2379".into()),
        etcd_prefix: Some("/site/prod".into()),
        forbidden,
        learned_from: Digest::of("x"),
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

const STORES: [&str; 2] = ["--etcd-prefix=/site/prod", "--etcd-servers-overrides=/events#https://e:2379"];

#[test]
fn etcd_servers() {
    let known = learned(None);
    let unknown = Expectations { etcd_cluster: None, ..known.clone() };
    let other = learned(Some(Forbidden::AnotherCluster { id: "def".into() }));
    let with = |expected| Situation { expected: Some(expected), ..Situation::default() };
    let (knows, unsure, moved, ignorant) = (with(&known), with(&unknown), with(&other), Situation::default());
    let cases: [(&[&str], &Situation<'_>, &[&str]); 13] = [
        (&["--etcd-servers=https://a:2379"], &ignorant, &[]),
        (&["--etcd-servers="], &knows, &["etcd-servers-empty!"]),
        (&["--etcd-servers=,"], &knows, &["etcd-servers-empty!"]),
        (&["--etcd_servers="], &knows, &["etcd-servers-empty!"]),
        (&["--etcd-servers", "''"], &knows, &["etcd-servers-empty!"]),
        (&["--v=1"], &knows, &["etcd-servers-missing!"]),
        (&["--etcd-servers="], &ignorant, &["etcd-servers-empty"]),
        (&["--etcd-servers="], &moved, &["etcd-servers-empty"]),
        (&["--etcd-servers="], &unsure, &["etcd-servers-empty"]),
        (&["--etcd-servers", "https://a:2379"], &knows, &[]),
        (&["--etcd-servers", "--v=2"], &knows, &["etcd-servers-form"]),
        (&["--etcd-servers=$(SERVERS)"], &knows, &[]),
        (&["--etcd-servers=https://b:2379"], &moved, &[]),
    ];
    for (flags, now, want) in cases {
        let all: Vec<&str> = STORES.iter().chain(flags).copied().collect();
        assert_eq!(verdicts(&v132(&all), now), want, "{flags:?}");
    }
}

#[test]
fn the_other_stores() {
    let known = learned(None);
    let old = Expectations { etcd_overrides: None, etcd_prefix: None, ..known.clone() };
    let other = learned(Some(Forbidden::OtherEndpoints { named: "https://n:2379".into() }));
    let with = |expected| Situation { expected: Some(expected), ..Situation::default() };
    let Seen::Manifest(good) = v132(&["--etcd-servers=x", STORES[0], STORES[1]]) else {
        panic!("it is a manifest")
    };
    let by_the_good_one = Situation { good: Some(&good), ..with(&old) };
    let (knows, moved, none) = (with(&known), with(&other), with(&old));
    let cases: [(&[&str], &Situation<'_>, &[&str]); 10] = [
        (&STORES, &knows, &[]),
        (&["--etcd_prefix=site/prod/", STORES[1]], &knows, &[]),
        (&[STORES[1]], &knows, &["etcd-store-lost!"]),
        (&[STORES[0], "--etcd-servers-overrides="], &knows, &["etcd-store-lost!"]),
        (&[], &knows, &["etcd-store-lost!", "etcd-store-lost!"]),
        (&[], &by_the_good_one, &["etcd-store-lost!", "etcd-store-lost!"]),
        (&[], &moved, &["etcd-store-lost", "etcd-store-lost"]),
        (&["--etcd-prefix=/other", STORES[1]], &knows, &["etcd-store-changed"]),
        (&["--etcd-prefix=/registry"], &none, &[]),
        (&["--etcd-prefix=/other"], &none, &["etcd-store-changed"]),
    ];
    for (flags, now, want) in cases {
        let all: Vec<&str> = ["--etcd-servers=x"].iter().chain(flags).copied().collect();
        assert_eq!(verdicts(&v132(&all), now), want, "{flags:?}");
    }
    let meant = [FlagLoss { component: Component::KubeApiserver, flag: "etcd-prefix".parse().unwrap() }];
    let allowed = Situation { meant: &meant, ..knows.clone() };
    let found = judge(Component::KubeApiserver, &v132(&["--etcd-servers=x", STORES[1]]), &allowed);
    assert_eq!(found[0].why_not.as_deref(), Some(MEANT));
}

#[test]
fn what_the_target_removed_is_no_loss() {
    let of = |version: &str, flags: &[&str]| manifest(&format!("x:{version}"), flags);
    let Seen::Manifest(good) = of("v1.32.9", &["--etcd-servers=x", "--cloud-provider=external"]) else {
        panic!("it is a manifest")
    };
    let now = Situation { good: Some(&good), armed: true, ..Situation::default() };
    assert_eq!(verdicts(&of("v1.33.5", &["--etcd-servers=x"]), &now), [""; 0]);
}

#[test]
fn gates() {
    let site = ["MaxUnavailableStatefulSet".to_string()];
    let steady = Situation { site_gates: &site, ..Situation::default() };
    let armed = Situation { armed: true, ..steady.clone() };
    let before_the_run = Situation { as_armed: true, ..armed.clone() };
    let e = "--etcd-servers=x";
    let cases: [(&str, &str, &Situation<'_>, &[&str]); 7] = [
        ("x:v1.32.9", "--feature-gates=KMSv2=true,Other=true", &steady, &["gate-fatal!"]),
        ("x:v1.31.9", "--feature-gates=KMSv2=true", &steady, &[]),
        ("x:v1.32.9@sha256:0", "--feature-gates=MemoryManager=false", &steady, &["gate-fatal!"]),
        ("x:latest", "--feature-gates=KMSv2=true", &steady, &["image-version"]),
        ("x:v1.32.9", "--feature-gates=MaxUnavailableStatefulSet=true", &steady, &["site-gate"]),
        ("x:v1.32.9", "--feature-gates=MaxUnavailableStatefulSet=true", &armed, &["site-gate!"]),
        ("x:v1.32.9", "--feature-gates=MaxUnavailableStatefulSet=true", &before_the_run, &["site-gate"]),
    ];
    for (image, flag, now, want) in cases {
        assert_eq!(verdicts(&manifest(image, &[e, flag]), now), want, "{image} {flag}");
    }
}

#[test]
fn files_that_are_not_there_or_not_readable() {
    let hash = Digest::of("good");
    let copy = Situation { copy: Choice::Copy(hash), kubelet: Kubelet::CantRead, ..Situation::default() };
    let (wanted, newest) = ("v1.32.9".parse().unwrap(), "v1.31.9".parse().ok());
    let other = Situation {
        copy: Choice::Other { wanted, newest },
        settled: true,
        kubeadm_ended: true,
        ..Situation::default()
    };
    let ended = Situation { kubeadm_ended: true, ..copy.clone() };
    let running = Situation { kubeadm_running: true, kubeadm_ended: true, settled: true, ..copy.clone() };
    let settled = Situation { settled: true, ..copy.clone() };
    let moved = Situation { no_copy: Some("moved".into()), kubeadm_ended: true, ..settled.clone() };
    let of = |kubelet| Situation { kubelet, ..settled.clone() };
    let (unasked, runs, unknown) =
        (of(Kubelet::Unasked), of(Kubelet::Runs), of(Kubelet::Unknown("x".into())));
    let broken = Seen::Unreadable("it is empty".into());
    let cases = [
        (&Seen::Missing, Situation::default(), vec![]),
        (&Seen::Missing, copy.clone(), vec!["missing"]),
        (&Seen::Missing, running.clone(), vec!["missing"]),
        (&Seen::Missing, ended, vec!["missing!"]),
        (&broken, Situation { settled: true, ..Situation::default() }, vec!["unreadable"]),
        (&Seen::Missing, other.clone(), vec!["missing"]),
        (&broken, other, vec!["unreadable"]),
        (&broken, copy, vec!["unreadable"]),
        (&broken, running, vec!["unreadable"]),
        (&broken, unasked, vec!["unreadable"]),
        (&broken, runs, vec!["unreadable"]),
        (&broken, unknown, vec!["unreadable"]),
        (&broken, moved.clone(), vec!["unreadable"]),
        (&Seen::Missing, moved, vec!["missing"]),
        (&broken, settled, vec!["unreadable!"]),
    ];
    for (seen, now, want) in cases {
        assert_eq!(verdicts(seen, &now), want, "{seen:?} {now:?}");
    }
}

#[test]
fn mode_and_owner() {
    let root = Access { mode: 0o600, uid: 0, own_uid: 0 };
    let ours = Access { uid: 1000, own_uid: 1000, ..root };
    let verdict = |access: Access, armed: bool| {
        let now = Situation { access: Some(access), armed, as_armed: true, ..Situation::default() };
        let found = judge(Component::KubeScheduler, &v132(&["--v=2"]), &now);
        found.into_iter().map(|f| (f.rule, f.fix)).collect::<Vec<_>>()
    };
    for fine in [root, ours, Access { mode: 0o644, ..root }, Access { mode: 0o400, ..root }] {
        assert_eq!(verdict(fine, true), [], "{fine:?}");
    }
    let secure = |mode, own| [("mode", Some(Fix::Secure { mode, own }))];
    assert_eq!(verdict(Access { mode: 0o666, ..root }, false), [("mode", None)]);
    assert_eq!(verdict(Access { mode: 0o666, ..root }, true), secure(0o644, false));
    assert_eq!(verdict(Access { mode: 0o620, uid: 7, own_uid: 0 }, true), secure(0o600, true));
}
