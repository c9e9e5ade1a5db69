//! Lost sensitive flags: reported, and within a run put back if that provably can't stop the API server.

use super::*;
use podlift_model::op::FlagLoss;

/// kubeadm's manifest without some flags.
fn without(flags: &[&str]) -> String {
    let kept = |line: &&str| !flags.iter().any(|f| line.trim().starts_with(&format!("- --{f}=")));
    EMPTY_API.lines().filter(kept).map(|l| format!("{l}\n")).collect()
}

/// Paths that the manifests mount, on the node.
fn pki(b: &Bench) {
    for line in LIVE_API.lines().filter_map(|l| l.split_once("=/")) {
        b.files.put(format!("/{}", line.1), b"x");
    }
}

fn lost(heal: &Heal) -> Vec<(String, String)> {
    let found = heal.findings().into_iter().filter(|f| f.rule == "flag-lost");
    found.map(|f| (f.what.split(' ').next().unwrap().into(), f.report_only.unwrap_or_default())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_brings_lost_flags_back_with_their_values() {
    let b = bench();
    pki(&b);
    let heal = knowing(&b);
    let gone = ["client-ca-file", "etcd-keyfile", "service-account-issuer", "tls-cert-file"];
    let written = without(&gone);
    b.files.put(api(), written.as_bytes());
    look(&heal);
    assert_eq!(lost(&heal).iter().map(|l| l.0.as_str()).collect::<Vec<_>>(), gone.map(|f| format!("--{f}")));
    assert!(lost(&heal).iter().all(|l| l.1.contains("no guard is armed")), "{:?}", lost(&heal));
    heal.disarm().unwrap();
    b.files.put(api(), LIVE_API.as_bytes());
    heal.arm(&run(), 60, &[]).unwrap();
    b.files.put(api(), written.as_bytes());
    look(&heal);
    let healed = b.files.text(api());
    let gate = "    - --feature-gates=MaxUnavailableStatefulSet=true\n";
    let whole = EMPTY_API.replace("--etcd-servers=", &format!("--etcd-servers={SERVERS}")).replace(gate, "");
    assert_eq!(healed, whole);
    assert_eq!(lost(&heal), []);
}

#[tokio::test(start_paused = true)]
async fn what_might_stop_the_api_server_is_only_reported() {
    let b = bench();
    pki(&b);
    let first = "    - --authorization-mode";
    let audit =
        LIVE_API.replace(first, &format!("    - --audit-policy-file=/etc/kubernetes/audit.yaml\n{first}"));
    let audit = audit.replace("    image: ", "    - --oidc-issuer-url=https://id\n    image: ");
    b.files.put(api(), audit.as_bytes());
    b.files.put("/etc/kubernetes/audit.yaml", b"x");
    let heal = open(&b);
    learn(&heal, Some("abc".into()), &Digest::of(&audit)).unwrap();
    heal.arm(&run(), 60, &[]).unwrap();
    let cases = [
        // Its volume is lost too.
        (without(&[]), "--audit-policy-file", "is not mounted from the node any more"),
        // Another flag has replaced it.
        (
            without(&[]).replace("--authorization-mode=Node,RBAC", "--authorization-config=/x"),
            "--authorization-mode",
            "--authorization-config is set now",
        ),
        (
            without(&[]).replace("--advertise", "--authentication-config=/x\n    - --advertise"),
            "--oidc-issuer-url",
            "--authentication-config is set now",
        ),
        // After a rollback: the older version may not know the flag.
        (without(&["tls-cert-file"]).replace("v1.32.13", "v1.30.9"), "--tls-cert-file", "is not certain"),
        (
            without(&["tls-cert-file"]).replace(":v1.32.13", ":latest"),
            "--tls-cert-file",
            "version of an image is unknown",
        ),
    ];
    for (written, flag, why) in cases {
        b.files.put(api(), written.as_bytes());
        look(&heal);
        assert!(!b.files.text(api()).contains(flag), "{flag}");
        let found = lost(&heal);
        assert!(found.iter().any(|l| l.0 == flag && l.1.contains(why)), "{flag}: {found:?}");
        heal.arm(&run(), 60, &[]).unwrap();
    }
    let gone = "/etc/kubernetes/pki/runaicluster/apiserver.crt";
    b.files.remove(gone.as_ref()).unwrap();
    b.files.put(api(), without(&["tls-cert-file"]).as_bytes());
    look(&heal);
    assert!(lost(&heal).iter().any(|l| l.1.contains("is not there any more")), "{:?}", lost(&heal));
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_lost_flags_is_not_learned_until_a_person_accepts_it() {
    let b = bench();
    let heal = knowing(&b);
    let lossy = LIVE_API.replace("    - --authorization-mode=Node,RBAC\n", "");
    b.files.put(api(), lossy.as_bytes());
    assert!(heal.fit(API).is_none());
    assert!(learn(&heal, None, &Digest::of(&lossy)).is_err());
    assert_eq!(lost(&heal).len(), 1);
    heal.accept(API, &Digest::of(&lossy)).unwrap();
    assert_eq!(lost(&heal), []);
    assert!(heal.fit(API).is_some());
}

#[tokio::test(start_paused = true)]
async fn waiving_one_flag_leaves_the_repair_of_another_on() {
    let b = bench();
    pki(&b);
    let heal = knowing(&b);
    let waived = FlagLoss { component: API, flag: "service-account-issuer".parse().unwrap() };
    heal.arm(&run(), 60, std::slice::from_ref(&waived)).unwrap();
    b.files.put(api(), without(&["service-account-issuer", "tls-cert-file"]).as_bytes());
    look(&heal);
    let healed = b.files.text(api());
    assert!(healed.contains("--tls-cert-file="), "the other flag came back: {healed}");
    assert!(!healed.contains("--service-account-issuer="), "the waived one did not: {healed}");
    // The same flag of another component is not waived.
    let other = FlagLoss { component: Component::KubeScheduler, ..waived };
    heal.disarm().unwrap();
    b.files.put(api(), LIVE_API.as_bytes());
    heal.arm(&run(), 60, &[other]).unwrap();
    b.files.put(api(), without(&["service-account-issuer"]).as_bytes());
    look(&heal);
    assert!(b.files.text(api()).contains("--service-account-issuer="), "{}", b.files.text(api()));
}
