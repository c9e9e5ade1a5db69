//! Manifests in the forms that people write: parsed as the kubelet parses them, healed if the flags are known, and otherwise left alone.

use super::*;

macro_rules! case {
    ($path:literal) => {
        include_str!(concat!("../../../../tests/fixtures/cases/", $path))
    };
}

pub(super) const SH_C: &str = case!("23-m03-sh-c-plain-scalar/kube-apiserver.yaml");
pub(super) const BASH: &str = case!("24-m04-bash-block-scalar/kube-apiserver.yaml");
pub(super) const FLOCK: &str = case!("25-m05-wrapper-with-own-flags/flock.yaml");
pub(super) const GO_RUNNER: &str = case!("25-m05-wrapper-with-own-flags/go-runner.yaml");
pub(super) const PREFIX: &str = case!("26-m06-etcd-prefix-many-gates/kube-apiserver.yaml");
pub(super) const SECOND: &str = case!("28-m08-second-container/kube-apiserver.yaml");
pub(super) const DOUBLED: &str = case!("33-m13-duplicate-key/kube-apiserver.yaml");
const CLOUD: &str = case!("07-cloud-provider-external-on-1.33/live-kube-apiserver.yaml");

/// A heal that learned this manifest.
fn learned(b: &Bench, text: &str) -> Heal {
    b.files.put(api(), text.as_bytes());
    let heal = open(b);
    learn(&heal, Some("abc".into()), &Digest::of(text)).unwrap();
    heal
}

fn line(text: &str, start: &str) -> String {
    text.lines().find(|l| l.trim().starts_with(start)).map(|l| format!("{l}\n")).unwrap()
}

async fn settle(b: &Bench, heal: &Heal) {
    look(heal);
    tokio::time::advance(b.settings.tick * 20).await;
    look(heal);
}

#[tokio::test(start_paused = true)]
async fn where_a_shell_hides_the_flags_nothing_is_touched_and_it_is_said() {
    for opaque in [SH_C, BASH] {
        let b = bench();
        let heal = knowing(&b);
        for text in [
            opaque.to_string(),
            opaque.replace(
                "--etcd-servers=https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379",
                "--etcd-servers=",
            ),
        ] {
            heal.arm(&run(), 60, &[]).unwrap();
            b.files.put(api(), text.as_bytes());
            settle(&b, &heal).await;
            heal.runtime(API, Runtime::NotRunning);
            assert_eq!(b.files.text(api()), text);
            let [found] = heal.findings().try_into().unwrap();
            assert_eq!(found.rule, "opaque");
            assert!(found.what.contains("opaque: "), "{}", found.what);
            assert!(heal.facts().files[0].opaque.as_ref().unwrap().contains("a shell splits"));
            assert!(heal.fit(API).is_none() && heal.pending().is_empty());
            let refused = heal.accept(API, &Digest::of(&text)).unwrap_err().to_string();
            assert!(refused.contains("opaque"), "{refused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_flag_goes_behind_the_program_and_never_to_its_wrapper() {
    for text in [FLOCK, GO_RUNNER] {
        let b = bench();
        let heal = learned(&b, text);
        b.files.put(api(), text.replace(&line(text, "- --etcd-servers="), "").as_bytes());
        look(&heal);
        assert_eq!(b.files.text(api()), text);
    }
}

#[tokio::test(start_paused = true)]
async fn flags_of_other_containers_are_nobodys() {
    let b = bench();
    let heal = learned(&b, SECOND);
    let manifest = heal.seen(API).unwrap();
    let flags = manifest.manifest().unwrap().flags();
    assert_eq!((flags.joined("v").as_deref(), flags.joined("listen")), (Some("2"), None));
    let servers = line(SECOND, "- --etcd-servers=");
    for broken in [SECOND.replace(&servers, ""), SECOND.replace("http://[fd00:77::21]:2379", "")] {
        b.files.put(api(), broken.as_bytes());
        look(&heal);
        assert_eq!(b.files.text(api()), SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_is_no_path_and_comes_back() {
    let b = bench();
    let heal = learned(&b, PREFIX);
    let prefix = line(PREFIX, "- --etcd-prefix=");
    b.files.put(api(), PREFIX.replace(&prefix, "").as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), PREFIX);
    // On 1.32 one of seven gates ends the API server; the others stay.
    b.files.put(api(), PREFIX.replace("v1.31.9", "v1.32.9").as_bytes());
    look(&heal);
    let want = PREFIX.replace("v1.31.9", "v1.32.9").replace("ValidatingAdmissionPolicy=true,", "");
    assert_eq!(b.files.text(api()), want);
}

#[tokio::test(start_paused = true)]
async fn what_the_kubelet_runs_is_never_replaced_by_an_older_copy() {
    let forms = [
        DOUBLED.to_string(),
        format!("{LIVE_API}---\n"),
        format!("{LIVE_API}---\nkind: Pod\n"),
        LIVE_API.replace("  hostNetwork: true\n", "  hostNetwork: true\n  hostNetwork: true\n"),
        LIVE_API.replace("--etcd-servers=", "--etcd_servers="),
        LIVE_API.replace("    - --etcd-servers=", "    - --etcd-servers\n    - "),
        LIVE_API.replace("  annotations:\n", "  annotations:\n    checked:\n"),
    ];
    for text in forms {
        let b = bench();
        let heal = knowing(&b);
        b.files.put(api(), text.as_bytes());
        settle(&b, &heal).await;
        assert_eq!(b.files.text(api()), text);
        assert!(heal.fit(API).is_some(), "{:?}", heal.findings());
    }
}

#[tokio::test(start_paused = true)]
async fn two_words_are_learned_and_healed_as_what_they_say() {
    let b = bench();
    let two = LIVE_API.replace("    - --etcd-servers=", "    - --etcd-servers\n    - ");
    let heal = learned(&b, &two);
    assert_eq!(heal.expectations().unwrap().etcd_servers, SERVERS);
    let lost = two.replace(&format!("    - --etcd-servers\n    - {SERVERS}\n"), "");
    b.files.put(api(), lost.as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), LIVE_API);
    b.files.put(api(), two.replace(SERVERS, "\"\"").as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), two.replace(SERVERS, &format!("\"{SERVERS}\"")));
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_the_target_removed_stays_away() {
    let b = bench();
    let heal = learned(&b, CLOUD);
    heal.arm(&run(), 60, &[]).unwrap();
    let upgraded = CLOUD.replace("v1.32.9", "v1.33.5").replace("    - --cloud-provider=external\n", "");
    b.files.put(api(), upgraded.as_bytes());
    look(&heal);
    assert_eq!(b.files.text(api()), upgraded);
    assert_eq!(heal.findings(), vec![]);
}
