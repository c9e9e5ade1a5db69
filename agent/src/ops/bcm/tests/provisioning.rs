//! Provisioners: both layouts of their status, and who lies.

use super::fake::Fake;
use super::*;

const SECOND: &str = "Provisioning subsystem status\n  Provisioning node status:\n  + head-01\n    Slots: 0 / 10\n    State: active\n    Up to date images: dgx-image\n  + head-02\n    Slots: 0 / 10\n    State: drained\n    Up to date images: none\n";

fn op() -> BcmOp {
    BcmOp::Provisioners { image: "dgx-image".parse().unwrap() }
}

async fn ended(status: &str, exit: i32, printed: &str) -> Result<OpOutput, Failure> {
    let fake = Fake::new();
    run(&fake, op(), |spec| {
        assert!(line(spec).ends_with("softwareimage; updateprovisioners"), "{}", line(spec));
        if !status.is_empty() {
            fake.state().provisioning = status.into();
        }
        (exit, printed.into())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn each_has_it_or_the_op_fails() {
    const DONE: &str = "Finished updating software image(s) on provisioning node(s).\n";
    for (status, exit, printed, ok) in [
        (SECOND.to_string(), 0, "", true),
        (SECOND.replace("images: dgx-image", "images: other"), 0, DONE, false),
        (SECOND.replace("drained", "active"), 0, DONE, false),
        (SECOND.to_string(), 1, "", false),
        // Its book is older than the change, and nothing was sent.
        (SECOND.to_string(), 0, "requested software image is locked, request deferred\n", false),
        (SECOND.to_string(), 0, "Error: CMDaemon is not running\n", false),
        // The first layout, which names no image.
        (String::new(), 0, DONE, true),
        (String::new(), 0, "", false),
        (String::new(), 0, "updateprovisioners runs in the background\n", false),
    ] {
        let output = ended(&status, exit, printed).await;
        match output {
            Ok(OpOutput::Changed(_)) => assert!(ok, "{status} {printed}"),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => {
                assert!(!ok, "{failure}");
                assert_eq!(failure.code, "bcm-provisioner-stale");
            }
        }
    }
    let stale = ended(&SECOND.replace("drained", "active"), 0, "").await.unwrap_err();
    assert!(stale.message.contains("head-02 not up to date"), "{}", stale.message);
}
