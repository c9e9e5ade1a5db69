//! Copies of images, locks and apt sources.

use super::fake::{Fake, SOURCE, is_there};
use super::*;
use podlift_host::Files as _;
use podlift_model::Look;
use podlift_tools::UnitSpec;

const COPY: &str = "dgx-image-k8s-1.32.9";
const PATH: &str = "/cm/images/dgx-image-k8s-1.32.9";

fn clone() -> BcmOp {
    BcmOp::ImageClone { from: "dgx-image".parse().unwrap(), image: COPY.parse().unwrap() }
}

/// What CMDaemon does.
fn copied(fake: &Fake) -> impl Fn(&UnitSpec) -> (i32, String) {
    move |_| {
        fake.fill(PATH);
        fake.state().images.insert(COPY.into(), PATH.into());
        (0, String::new())
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_done_when_its_files_say_so_and_is_made_once() {
    let fake = Fake::new();
    let id = "0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e01";
    fake.state().tasks = vec![
        format!("{id} old failed\n"),
        format!("{id} old failed\n{} Create ramdisk running\n", id.replace("01", "02")),
        String::new(),
    ];
    let output = run(&fake, clone(), |spec| {
        let want = "cmsh -n -q --hide-events --color no -c softwareimage; clone dgx-image dgx-image-k8s-1.32.9; commit -w";
        assert_eq!(line(spec), want);
        assert!(spec.first.is_empty());
        let record = fake.files.text("/var/lib/podlift/bcm/image-dgx-image-k8s-1.32.9.json");
        assert!(record.contains("\"whole\":false"), "the intent comes first: {record}");
        copied(&fake)(spec)
    });
    assert!(matches!(output.await, Ok(OpOutput::Changed(_))));
    let looks = fake.commands.count("cmsh -n -q --hide-events --color no -c task; list");
    assert!(looks >= 4, "idle twice in a row, after a task: {looks}");
    assert!(matches!(run(&fake, clone(), no_unit).await, Ok(OpOutput::Unchanged(_))));
    // The other head node after a failover has no record of its own.
    fake.files.remove(std::path::Path::new("/var/lib/podlift/bcm/image-dgx-image-k8s-1.32.9.json")).unwrap();
    assert!(matches!(run(&fake, clone(), no_unit).await, Ok(OpOutput::Unchanged(_))));
    // Nor does it know an image that was copied elsewhere.
    fake.files.remove_tree(std::path::Path::new("/cm/shared/podlift")).unwrap();
    assert_eq!(code(&fake, clone(), no_unit).await, "bcm-image-exists");
}

/// A head node that was away has an old record: the other one has completed the copy since, and nodes have it.
#[tokio::test(start_paused = true)]
async fn after_a_failover_and_back_the_shared_record_counts() {
    let fake = Fake::new();
    fake.state().images.insert(COPY.into(), PATH.into());
    let record =
        |whole: bool| format!(r#"{{"image":"{COPY}","from":"dgx-image","path":"{PATH}","whole":{whole}}}"#);
    fake.files.put(format!("/var/lib/podlift/bcm/image-{COPY}.json"), record(false).as_bytes());
    fake.files.put(format!("/cm/shared/podlift/image-{COPY}.json"), record(true).as_bytes());
    assert!(matches!(run(&fake, clone(), no_unit).await, Ok(OpOutput::Unchanged(_))));
    assert!(fake.state().images.contains_key(COPY), "it is not removed");
}

#[tokio::test(start_paused = true)]
async fn an_image_of_somebody_else_is_no_copy() {
    let fake = Fake::new();
    fake.state().images.insert(COPY.into(), PATH.into());
    let failure = run(&fake, clone(), no_unit).await.unwrap_err();
    assert_eq!(failure.code, "bcm-image-exists");
    assert!(
        failure.message.contains("cmsh -c \"softwareimage; remove dgx-image-k8s-1.32.9"),
        "{}",
        failure.message
    );
    let folder = Fake::new();
    folder.files.put(PATH, b"");
    assert_eq!(code(&folder, clone(), no_unit).await, "bcm-image-exists");
}

#[tokio::test(start_paused = true)]
async fn half_a_copy_is_removed_and_made_again() {
    let fake = Fake::new();
    let half = format!(r#"{{"image":"{COPY}","from":"dgx-image","path":"{PATH}","whole":false}}"#);
    fake.files.put(format!("/var/lib/podlift/bcm/image-{COPY}.json"), half.as_bytes());
    fake.files.put(PATH, b"a folder");
    fake.state().images.insert(COPY.into(), PATH.into());
    for look in [Look::BcmImages, Look::BcmImage { image: COPY.parse().unwrap() }] {
        let seen = crate::look::look(&fake.node(), &look).await.unwrap();
        assert!(!format!("{seen:?}").contains(COPY), "it is no image yet: {seen:?}");
    }
    fake.state().locked.insert(COPY.into());
    assert_eq!(code(&fake, source(COPY), no_unit).await, "bcm-missing");
    let output = run(&fake, clone(), |spec| {
        assert_eq!(spec.first, ["rm", "-rf", "--one-file-system", "--", PATH]);
        assert!(!fake.state().images.contains_key(COPY), "BCM has forgotten it");
        copied(&fake)(spec)
    });
    assert!(matches!(output.await, Ok(OpOutput::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_none() {
    let fake = Fake::new();
    assert_eq!(code(&fake, clone(), |_| (0, "COMPLETED\n".into())).await, "bcm-no-effect");
    let lacking = Fake::new();
    let unit = |spec: &UnitSpec| {
        let end = copied(&lacking)(spec);
        lacking.files.put(format!("{PATH}/var/lib/dpkg/status"), b"");
        end
    };
    assert_eq!(code(&lacking, clone(), unit).await, "bcm-no-effect");
    let same = Fake::new();
    let unit = |_: &UnitSpec| {
        same.state().images.insert(COPY.into(), "/cm/images/dgx-image".into());
        (0, String::new())
    };
    assert_eq!(code(&same, clone(), unit).await, "bcm-image-exists");
    let failing = Fake::new();
    let unit = |spec: &UnitSpec| {
        failing.state().tasks = vec!["0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e01 Create ramdisk failed\n".into()];
        copied(&failing)(spec)
    };
    assert_eq!(code(&failing, clone(), unit).await, "bcm-task-failed");
}

#[tokio::test(start_paused = true)]
async fn what_speaks_against_a_copy() {
    let full = Fake::new();
    full.state().size = 95 << 30;
    assert_eq!(code(&full, clone(), no_unit).await, "disk-full");
    let none = Fake::new();
    none.state().images.clear();
    assert_eq!(code(&none, clone(), no_unit).await, "bcm-missing");
    let mounted = Fake::new();
    mounted.mounts("30 22 0:4 / /cm/images/dgx-image/proc rw - proc proc rw\n");
    let failure = run(&mounted, clone(), no_unit).await.unwrap_err();
    assert_eq!(failure.code, "bcm-image-in-use");
    assert!(failure.message.contains("mount /cm/images/dgx-image/proc"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn locks_are_looked_at() {
    let fake = Fake::new();
    let image = || "dgx-image".parse().unwrap();
    let lock = || BcmOp::ImageLock { image: image() };
    assert!(matches!(run(&fake, lock(), no_unit).await, Ok(OpOutput::Changed(_))));
    assert!(matches!(run(&fake, lock(), no_unit).await, Ok(OpOutput::Unchanged(_))));
    fake.state().silent = true;
    assert_eq!(code(&fake, BcmOp::ImageUnlock { image: image() }, no_unit).await, "bcm-no-effect");
    let other = BcmOp::ImageLock { image: "other".parse().unwrap() };
    assert_eq!(code(&fake, other, no_unit).await, "bcm-missing");
}

fn source(image: &str) -> BcmOp {
    BcmOp::ImageSource { image: image.parse().unwrap(), minor: "1.32".parse().unwrap() }
}

#[tokio::test(start_paused = true)]
async fn the_minor_of_the_source_changes_and_nothing_is_left_inside() {
    let fake = Fake::new().with_clone(COPY);
    let list = format!("{PATH}/etc/apt/sources.list.d/kubernetes.list");
    let output = run(&fake, source(COPY), |spec| {
        assert_eq!(fake.files.text(&list), SOURCE.replace("v1.31", "v1.32"));
        let want = "Dir::Etc::sourcelist=/etc/apt/sources.list.d/kubernetes.list";
        assert!(
            line(spec).contains(want) && line(spec).starts_with(&format!("cm-chroot-sw-img {PATH} env "))
        );
        fake.mounts(&format!("30 22 0:4 / {PATH}/dev rw - x x rw\n31 30 0:5 / {PATH}/dev/pts rw - x x rw\n"));
        (0, "Reading package lists...\n".into())
    });
    assert!(matches!(output.await, Ok(OpOutput::Changed(_))));
    let calls = fake.commands.calls();
    let umounts: Vec<&str> = calls.iter().filter_map(|c| c.split("-- umount ").nth(1)).collect();
    assert_eq!(umounts, [format!("{PATH}/dev/pts"), format!("{PATH}/dev")]);
    assert!(!is_there(&fake, "/var/lib/podlift/ops/op-1.memo"));
}

#[tokio::test(start_paused = true)]
async fn a_mount_that_stays_is_a_failure_of_the_op() {
    let fake = Fake::new().with_clone(COPY);
    fake.state().busy_mount = true;
    let unit = |_: &UnitSpec| {
        fake.mounts(&format!("30 22 0:4 / {PATH}/proc rw - x x rw\n"));
        (0, String::new())
    };
    let failure = run(&fake, source(COPY), unit).await.unwrap_err();
    assert_eq!(failure.code, "bcm-image-in-use");
    assert!(failure.detail.contains("target is busy"), "{failure:?}");
}

/// A mount over the parent of an older one hides it: the newer one has to go first.
#[tokio::test(start_paused = true)]
async fn mounts_go_in_the_reverse_order_of_their_making() {
    let fake = Fake::new().with_clone(COPY);
    let unit = |_: &UnitSpec| {
        let line = |id: u32, point: &str| format!("{id} 22 0:{id} / {PATH}/{point} rw - x x rw\n");
        let points = ["sys", "sys/firmware/efi/efivars", "dev/pts", "dev"];
        let lines = (30..).zip(points).map(|(id, point)| line(id, point));
        fake.mounts(&lines.collect::<String>());
        (0, "Reading package lists...\n".into())
    };
    assert!(matches!(run(&fake, source(COPY), unit).await, Ok(OpOutput::Changed(_))));
    let calls = fake.commands.calls();
    let umounts: Vec<&str> =
        calls.iter().filter_map(|c| c.split(&format!("-- umount {PATH}/")).nth(1)).collect();
    assert_eq!(umounts, ["dev", "dev/pts", "sys/firmware/efi/efivars", "sys"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_in_the_image_may_end_by_itself_and_stops_the_op_if_it_stays() {
    let fake = Fake::new().with_clone(COPY);
    let left = |_: &UnitSpec| {
        fake.mounts(&format!("30 22 0:4 / {PATH}/proc rw - x x rw\n"));
        fake.processes.put(PATH, 812, "gpg-agent");
        (0, "Reading package lists...\n".into())
    };
    let failure = run(&fake, source(COPY), left).await.unwrap_err();
    assert_eq!(failure.code, "bcm-image-in-use");
    for words in ["process 812 (gpg-agent)", &format!("mount {PATH}/proc"), "kill PID", "then podlift retry"]
    {
        assert!(failure.message.contains(words), "{words}: {}", failure.message);
    }
    assert_eq!(fake.commands.count("systemd-run"), 0, "its mounts stay as long as it is there");
    // Nothing may begin either while it is there.
    assert_eq!(code(&fake, source(COPY), no_unit).await, "bcm-image-in-use");
    fake.processes.end(812);
    fake.mounts("");

    let ends = |_: &UnitSpec| {
        fake.processes.put(PATH, 813, "dirmngr");
        let processes = fake.processes.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(7)).await;
            processes.end(813);
        });
        (0, "Reading package lists...\n".into())
    };
    assert!(matches!(run(&fake, source(COPY), ends).await, Ok(OpOutput::Changed(_))));
}

/// Somebody removes the image while the op is at work in it.
#[tokio::test(start_paused = true)]
async fn an_image_that_is_removed_meanwhile_is_named() {
    let fake = Fake::new().with_clone(COPY);
    let unit = |_: &UnitSpec| {
        fake.state().images.remove(COPY);
        (0, "Reading package lists...\n".into())
    };
    let failure = run(&fake, source(COPY), unit).await.unwrap_err();
    assert_eq!(failure.code, "bcm-missing");
    assert!(failure.message.contains(COPY), "{}", failure.message);
    assert_eq!(code(&fake, source(COPY), no_unit).await, "bcm-missing");
    let lock = BcmOp::ImageLock { image: COPY.parse().unwrap() };
    assert_eq!(code(&fake, lock, no_unit).await, "bcm-missing");
}

#[tokio::test(start_paused = true)]
async fn only_ones_own_locked_and_empty_images_change() {
    let fake = Fake::new().with_clone(COPY);
    assert_eq!(code(&fake, source("dgx-image"), no_unit).await, "bcm-image-not-ours");
    fake.mounts(&format!("30 22 0:4 / {PATH}/proc rw - x x rw\n"));
    assert_eq!(code(&fake, source(COPY), no_unit).await, "bcm-image-in-use");
    assert_eq!(fake.commands.count("systemd-run"), 0, "the mount of somebody else stays");
    fake.mounts("");
    fake.state().locked.clear();
    assert_eq!(code(&fake, source(COPY), no_unit).await, "bcm-image-unlocked");
    assert_eq!(fake.files.text(format!("{PATH}/etc/apt/sources.list.d/kubernetes.list")), SOURCE);
}
