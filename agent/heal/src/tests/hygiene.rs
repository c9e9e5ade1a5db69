//! Stray copies, mode and owner: reported in steady watch, repaired inside a guard, and never deleted.

use super::*;
use podlift_host::FileKind;
use std::path::Path;

fn stray(name: &str) -> PathBuf {
    Path::new(paths::MANIFESTS).join(name)
}

fn reported(heal: &Heal) -> Vec<(String, String)> {
    let findings = heal.findings().into_iter().filter(|f| f.rule != "site-gate");
    findings.filter(|f| f.report_only.is_some()).map(|f| (f.file, f.rule)).collect()
}

fn kept(b: &Bench) -> Vec<String> {
    b.files.list(&paths::heal("strays")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stray_copy_is_reported_and_in_a_run_moved_to_where_it_is_kept() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(stray("kube-apiserver.yaml.bak"), EMPTY_API.as_bytes());
    b.files
        .put(stray("kube-vip.yaml"), LIVE_API.replace("name: kube-apiserver", "name: kube-vip").as_bytes());
    b.files.put(stray(".kubelet-keep"), b"");
    b.files.put(stray("notes.txt"), b"do not forget");
    heal.look_at_all();
    let want = vec![("kube-apiserver.yaml.bak".to_string(), "stray".to_string())];
    assert_eq!((reported(&heal), kept(&b)), (want, vec![]));
    heal.arm(&run(), 60, &[]).unwrap();
    let [name] = kept(&b).try_into().unwrap();
    assert!(name.ends_with("-kube-apiserver.yaml.bak") && name.starts_with("20261122T"), "{name}");
    assert_eq!(b.files.text(paths::heal("strays").join(&name)), EMPTY_API);
    let left = b.files.list(Path::new(paths::MANIFESTS)).unwrap();
    let others =
        [".kubelet-keep", "kube-apiserver.yaml", "kube-controller-manager.yaml", "kube-scheduler.yaml"];
    assert_eq!(left, [&others[..], &["kube-vip.yaml", "notes.txt"]].concat());
    let [event] = heal.pending().try_into().unwrap();
    assert_eq!((event.file.as_str(), event.rules), ("kube-apiserver.yaml.bak", vec!["stray".to_string()]));
    assert!(event.diff.starts_with("moved to /var/lib/podlift/heal/strays/"), "{}", event.diff);
    assert_eq!(reported(&heal), vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_comes_within_a_run_goes_at_once_and_a_link_never() {
    let b = bench();
    let heal = knowing(&b);
    heal.arm(&run(), 60, &[]).unwrap();
    for name in ["kube-scheduler.yaml~", "kube-scheduler.yaml.orig"] {
        b.files.put(stray(name), LIVE_API.as_bytes());
        heal.other_changed(name, heal.host.clock.since_boot());
    }
    assert_eq!(kept(&b).len(), 2, "by what is in them, not by their names");
    b.files.put(stray("kube-apiserver.yaml.link"), b"");
    b.files.restat(stray("kube-apiserver.yaml.link"), |s| s.kind = FileKind::Symlink);
    heal.look_at_all();
    assert_eq!(kept(&b).len(), 2);
    let [link] =
        heal.findings().into_iter().filter(|f| f.rule == "stray").collect::<Vec<_>>().try_into().unwrap();
    assert!(link.report_only.unwrap().contains("symbolic link"));
}

#[tokio::test(start_paused = true)]
async fn a_move_of_which_only_the_intent_is_known_is_told_after_a_restart() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(stray("kube-apiserver.yaml.bak"), EMPTY_API.as_bytes());
    heal.arm(&run(), 60, &[]).unwrap();
    let history = paths::heal("history.jsonl");
    let intent_only: String = b.files.text(&history).lines().take(1).map(|l| format!("{l}\n")).collect();
    b.files.put(&history, intent_only.as_bytes());
    assert_eq!(open(&b).pending()[0].rules, ["stray"]);
}

#[tokio::test(start_paused = true)]
async fn mode_and_owner_come_back_without_another_file() {
    let b = bench();
    let heal = knowing(&b);
    b.files.restat(api(), |s| (s.mode, s.uid) = (0o666, 1000));
    look(&heal);
    assert_eq!(reported(&heal), vec![("kube-apiserver.yaml".to_string(), "mode".to_string())]);
    let inode = b.files.stat(&api()).unwrap().inode;
    heal.arm(&run(), 60, &[]).unwrap();
    let now = b.files.stat(&api()).unwrap();
    assert_eq!((now.mode, now.uid, now.inode), (0o644, 0, inode));
    assert_eq!(heal.pending()[0].diff, "mode: 0666 -> 0644; owner: 1000 -> 0\n");
    assert_eq!(heal.pending().len(), 1, "its content was so before the run");
}

#[tokio::test(start_paused = true)]
async fn what_is_strange_is_told_and_never_touched() {
    let b = bench();
    let heal = knowing(&b);
    type Change = fn(&mut podlift_host::Stat);
    let cases: [(&str, Change); 3] = [
        ("symbolic link", |s| s.kind = FileKind::Symlink),
        ("is a folder", |s| s.kind = FileKind::Directory),
        ("MiB", |s| s.size = 17 << 20),
    ];
    heal.arm(&run(), 60, &[]).unwrap();
    for (what, change) in cases {
        b.files.put(api(), EMPTY_API.as_bytes());
        b.files.restat(api(), change);
        heal.kubeadm_ended();
        look(&heal);
        let finding = heal.findings().remove(0);
        assert!(finding.rule == "strange" && finding.what.contains(what), "{finding:?}");
        assert_eq!(b.files.text(api()), EMPTY_API, "{what}");
    }
    assert_eq!(heal.pending(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn garbage_is_never_parsed_when_it_is_large_and_replaced_only_when_it_can_not_start() {
    let b = bench();
    let heal = knowing(&b);
    let zeros = vec![0; 2 << 20];
    let text = "# x\n".repeat(1 << 20).into_bytes();
    let huge = vec![b'#'; 10 << 20];
    for (garbage, healed) in [(&zeros, true), (&text, false), (&huge, true)] {
        b.files.put(api(), garbage);
        look(&heal);
        tokio::time::advance(b.settings.tick).await;
        look(&heal);
        assert_eq!(b.files.read(&api()).unwrap() == LIVE_API.as_bytes(), healed, "{} bytes", garbage.len());
    }
    assert!(heal.pending().iter().all(|e| e.rules == ["unreadable"] && e.diff.len() < 10_000));
}

macro_rules! case {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/cases/36-m16-copies-in-the-folder/", $name))
    };
}

#[tokio::test(start_paused = true)]
async fn a_second_file_of_etcd_is_told_and_never_moved() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(stray("etcd.yaml"), case!("etcd.yaml").as_bytes());
    let strays = |heal: &Heal| {
        let all = heal.findings().into_iter().filter(|f| f.rule == "stray");
        all.map(|f| (f.file, f.report_only.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(strays(&heal), []);
    b.files.put(stray("etcd.yaml.mcdorig"), case!("etcd.yaml.mcdorig").as_bytes());
    b.files.put(stray("kube-apiserver.yaml.backup"), case!("kube-apiserver.yaml.backup").as_bytes());
    heal.arm(&run(), 60, &[]).unwrap();
    assert_eq!(strays(&heal), [("etcd.yaml.mcdorig".to_string(), true)]);
    assert_eq!(kept(&b).len(), 1, "the API server's copy");
}

#[tokio::test(start_paused = true)]
async fn the_only_copy_is_never_moved() {
    for own in [None, Some(&b"garbage"[..])] {
        let b = bench();
        let heal = knowing(&b);
        b.files.put(stray("kube-apiserver.yml"), LIVE_API.as_bytes());
        match own {
            Some(garbage) => b.files.put(api(), garbage),
            None => b.files.remove(&api()).unwrap(),
        }
        let left = heal.apply(API).unwrap().left;
        let why = left.into_iter().find(|f| f.rule == "stray").unwrap().report_only.unwrap();
        assert!(why.contains("the only copy"), "{why}");
        assert_eq!(b.files.text(stray("kube-apiserver.yml")), LIVE_API);
    }
}
