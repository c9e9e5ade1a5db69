use super::*;
use podlift_host::testing::{Fakes, said};

/// The manual's sample, with Kubernetes' files.
const LOG: &str = "Tue, 11 Jan 2011 13:27:17 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\n\nsending incremental file list\n./\netc/kubernetes/\nusr/bin/kubelet\nusr/bin/podlift-agent\nusr/lib/link -> target\ndeleting var/lib/old/\nsent 2258383 bytes  received 6989 bytes  156232.55 bytes/sec\ntotal size is 1797091769  speedup is 793.29\n\nTue, 11 Jan 2011 13:27:31 UTC - Rsync completed.\n";

fn node() -> NodeName {
    "dgx030".parse().unwrap()
}

#[tokio::test]
async fn one_fixed_command() {
    let fakes = Fakes::new(|_| said(LOG));
    let sync = look(&fakes.host, &node()).await.unwrap();
    assert_eq!(sync.began, Some("2011-01-11T13:27:17Z".parse().unwrap()));
    assert_eq!((sync.mode, sync.completed), (Some(SyncMode::Update), true));
    assert_eq!((sync.changes, sync.deletes), (3, 1));
    assert_eq!(sync.touches, [""; 0], "the agent comes from the image");
    assert_eq!(fakes.commands.calls(), ["cmsh -n -q --hide-events --color no -c device; synclog dgx030"]);
    assert_eq!(header(LOG), LOG.lines().next().unwrap());
}

#[test]
fn a_time_in_the_zone_of_the_head_node() {
    // As in Berlin: the clock goes back from 03:00 CEST to 02:00 CET on 2026-10-25.
    let here = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    for (text, want) in [
        ("Fri, 27 Nov 2026 14:00:00 UTC", Some("2026-11-27T14:00:00Z")),
        ("Fri, 27 Nov 2026 15:00:00 +0100", Some("2026-11-27T14:00:00Z")),
        ("Fri, 27 Nov 2026 15:00:00 CET", Some("2026-11-27T14:00:00Z")),
        ("Mon, 27 Jul 2026 15:00:00 CEST", Some("2026-07-27T13:00:00Z")),
        ("Sun, 25 Oct 2026 02:30:00 CEST", Some("2026-10-25T00:30:00Z")),
        ("Sun, 25 Oct 2026 02:30:00 CET", Some("2026-10-25T01:30:00Z")),
        ("Fri, 27 Nov 2026 15:00:00 CEST", None),
        ("Fri, 27 Nov 2026 09:00:00 EST", None),
        ("27 Nov 2026 CET", None),
    ] {
        let seen = time_at(&format!("{text} - Rsync completed."), &here);
        assert_eq!(seen, want.map(|t| t.parse().unwrap()), "{text}");
    }
}

#[test]
fn what_touches_protected_files() {
    for (line, touched) in [
        ("etc/kubernetes/kubelet.conf", true),
        ("etc/kubernetes/", false),
        ("etc/kubernetes/pki/", true),
        ("deleting etc/kubernetes/", true),
        ("deleting var/lib/", true),
        ("deleting var/lib/podlift/ledger", true),
        ("*deleting   var/lib/kubelet/config.yaml", true),
        (">f.st...... etc/containerd/config.toml", true),
        ("deleting usr/bin/podlift-agent", true),
        ("usr/bin/podlift-agent", false),
        ("etc/machine-id", true),
        ("etc/kubernetes.old/x", false),
        ("var/lib/kubelets", false),
        ("skipping non-regular file \"etc/cni/x\"", false),
        ("opt/cni/bin/bridge -> x", true),
    ] {
        let log = LOG.replace("usr/bin/kubelet", line);
        let sync = parse(&node(), &log).unwrap();
        assert_eq!(!sync.touches.is_empty(), touched, "{line}: {:?}", sync.touches);
    }
    let many: String = (0..80).map(|n| format!("deleting etc/cni/{n}\n")).collect();
    let sync = parse(&node(), &LOG.replace("usr/bin/kubelet\n", &many)).unwrap();
    assert_eq!((sync.touches.len(), sync.deletes), (50, 81));
}

#[test]
fn failures_and_what_imageupdate_prints() {
    let failed = LOG.replace(
        "Tue, 11 Jan 2011 13:27:31 UTC - Rsync completed.",
        "rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1196)",
    );
    let sync = parse(&node(), &failed).unwrap();
    assert_eq!((sync.completed, sync.rsync_code), (false, Some(23)));
    let event = "Fri Nov 27 13:00:00 2026 [notice] basecm11: Provisioning started: sending basecm11:/cm/images/dgx-image to dgx030:/, mode FULL, dry run = no\n";
    let sync = parse(&node(), event).unwrap();
    assert_eq!((sync.mode, sync.dry_run), (Some(SyncMode::Full), Some(false)));
    assert_eq!(sync.image.as_deref(), Some("/cm/images/dgx-image"));
    let other = parse(&"dgx03".parse().unwrap(), event).map(|sync| sync.image);
    assert!(
        other.clone().is_err_and(|why| why.contains("something else than a log")),
        "of another node: {other:?}"
    );
}

#[test]
fn a_log_that_is_none() {
    for (text, ok) in [("", true), ("No synclog for dgx030\n", true), ("Boom\n", false)] {
        let sync = parse(&node(), text);
        assert_eq!(sync.as_ref().is_ok_and(|s| !s.completed), ok, "{text}: {sync:?}");
    }
}

#[test]
fn the_later_of_two_logs_counts() {
    let later = LOG.replace("11 Jan", "12 Jan").replace("Rsync completed.", "").replace("UPDATE", "FULL");
    let sync = parse(&node(), &format!("{LOG}{later}")).unwrap();
    assert_eq!((sync.mode, sync.completed), (Some(SyncMode::Full), false));
    assert_eq!(sync.changes, 3);
}

#[test]
fn only_times_with_one_meaning() {
    for (line, read) in [
        ("Tue, 11 Jan 2011 13:27:17 UTC - x", true),
        ("Tue, 11 Jan 2011 13:27:17 +0100 - x", true),
        ("Tue, 11 Jan 2011 13:27:17 CET - x", false),
        ("sending x", false),
    ] {
        assert_eq!(time(line).is_some(), read, "{line}");
    }
}
