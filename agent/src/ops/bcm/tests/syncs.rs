//! Updates of nodes from their image: what proves one, and what does not.

use super::fake::Fake;
use super::*;
use podlift_model::bcm::SyncMode;

const OLD: &str = "Sat, 21 Nov 2026 10:00:00 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\nSat, 21 Nov 2026 10:01:00 UTC - Rsync completed.\n";
/// The clock of the tests begins on 22 November 2026.
const NEW: &str = "Sun, 22 Nov 2026 00:00:10 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\nsending incremental file list\nusr/bin/kubelet\nsent 10 bytes  received 1 bytes\nSun, 22 Nov 2026 00:01:00 UTC - Rsync completed.\n";
const COMPLETED: &str = "imageupdate [ COMPLETED ]\n";

fn op(write: bool) -> BcmOp {
    let (node, image) = ("dgx030".parse().unwrap(), "dgx-image".parse().unwrap());
    if write { BcmOp::Sync { node, image } } else { BcmOp::SyncDryRun { node, image } }
}

async fn after(write: bool, exit: i32, printed: &str, log: &str) -> Result<OpOutput, Failure> {
    let fake = Fake::new();
    fake.state().synclog = OLD.into();
    run(&fake, op(write), |spec| {
        let want = if write {
            "device; imageupdate -n dgx030 -w --wait"
        } else {
            "device; imageupdate -n dgx030 --wait"
        };
        assert_eq!(spec.args.last().unwrap(), want);
        fake.state().synclog = log.into();
        (exit, printed.into())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_new_log_with_its_end_proves_it() {
    let OpOutput::BcmSync(sync) = after(true, 0, COMPLETED, NEW).await.unwrap() else { panic!() };
    assert_eq!((sync.mode, sync.completed, sync.changes), (Some(SyncMode::Update), true, 1));
    let full = NEW.replace("UPDATE", "FULL");
    let OpOutput::BcmSync(sync) = after(true, 0, COMPLETED, &full).await.unwrap() else { panic!() };
    assert_eq!(sync.mode, Some(SyncMode::Full));
    let touching = NEW.replace("usr/bin/kubelet", "deleting etc/kubernetes/kubelet.conf");
    let OpOutput::BcmSync(sync) = after(false, 0, "", &touching).await.unwrap() else { panic!() };
    assert_eq!((sync.touches.len(), sync.deletes), (1, 1));
    // The name of a zone has no one meaning, and a number has; in both cases the header is another one, and that is enough.
    let began = "2026-11-22T00:00:10Z".parse().ok();
    for (text, want) in [
        ("Sun, 22 Nov 2026 00:00:10 GMT", began),
        ("Sun, 22 Nov 2026 01:00:10 +0100", began),
        ("Sat, 21 Nov 2026 16:00:10 -0800", began),
        ("Sun, 22 Nov 2026 14:00:10 +1400", began),
        ("Sun, 22 Nov 2026 01:00:10 CET", None),
        ("Sun, 22 Nov 2026 05:30:10 IST", None),
    ] {
        let log = NEW.replace("Sun, 22 Nov 2026 00:00:10 UTC", text);
        let OpOutput::BcmSync(sync) = after(true, 0, COMPLETED, &log).await.unwrap() else {
            panic!("{text}")
        };
        assert_eq!(sync.began, want, "{text}");
    }
    // An hour before midnight in UTC, of which the zone makes the next day.
    let old = NEW.replace("Sun, 22 Nov 2026 00:00:10 UTC", "Sun, 22 Nov 2026 00:00:10 +0100");
    let failure = after(true, 0, COMPLETED, &old).await.unwrap_err();
    assert!(failure.message.contains("older than this update"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn what_proves_nothing() {
    let event = |path: &str, dry: &str| {
        format!(
            "Sun Nov 22 00:00:09 2026 [notice] head-01: Provisioning started: sending head-01:{path} to dgx030:/, mode UPDATE, dry run = {dry}\n"
        )
    };
    let cut = NEW.replace("Sun, 22 Nov 2026 00:01:00 UTC - Rsync completed.\n", "");
    for (write, exit, printed, log, why) in [
        (true, 0, COMPLETED.to_string(), OLD.to_string(), "no request of it any more, and no new log"),
        (true, 0, COMPLETED.into(), String::new(), "no new log"),
        (true, 0, COMPLETED.into(), cut.clone(), "no new log"),
        (
            true,
            0,
            COMPLETED.into(),
            format!("{cut}rsync error: partial transfer (code 23) at main.c(1)\n"),
            "code 23",
        ),
        (
            true,
            0,
            "imageupdate [ FAILED ]\n".into(),
            format!("{cut}rsync error: partial transfer (code 23) at main.c(1)\n"),
            "imageupdate [ FAILED ]; rsync ended with code 23",
        ),
        (true, 0, "imageupdate [ FAILED ]\n".into(), NEW.into(), "imageupdate [ FAILED ]"),
        (true, 1, String::new(), NEW.into(), "imageupdate exited 1"),
        (true, 0, event("/cm/images/dgx-image", "yes"), NEW.into(), "a dry run"),
        (false, 0, event("/cm/images/dgx-image", "no"), NEW.into(), "a real run"),
        (true, 0, event("/cm/images/other", "no"), NEW.into(), "BCM sent /cm/images/other"),
        (true, 0, COMPLETED.into(), NEW.replace("UPDATE", "SYNC"), "expected UPDATE or FULL"),
        (
            true,
            0,
            COMPLETED.into(),
            NEW.replace("22 Nov", "20 Nov").replace("Sun", "Fri"),
            "older than this update",
        ),
    ] {
        let failure = after(write, exit, &printed, &log).await.unwrap_err();
        assert_eq!(failure.code, "bcm-sync-failed");
        assert!(failure.message.contains(why), "{why}: {}", failure.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_with_another_image_is_not_updated() {
    let fake = Fake::new();
    fake.state().nodes.insert("dgx030".into(), ("other".into(), true));
    let failure = run(&fake, op(true), no_unit).await.unwrap_err();
    assert!(failure.message.contains("in BCM the node has the image other"), "{}", failure.message);
}
