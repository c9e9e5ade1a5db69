//! Budgets and fights outlive the agent, and the other writer is named if the kernel identifies it.

use super::*;
use podlift_host::{Process, Writing};

fn broken(n: u32) -> String {
    EMPTY_API.replace("priority: 2000001000", &format!("priority: {n}"))
}

fn undo(b: &Bench, heal: &Heal, n: u32) {
    b.files.put(api(), broken(n).as_bytes());
    look(heal);
}

fn why(heal: &Heal) -> String {
    heal.findings().remove(0).report_only.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_other_writer_is_named_from_the_first_undone_repair_on() {
    let b = bench();
    let heal = knowing(&b);
    undo(&b, &heal, 0);
    let sync =
        Process { pid: 812, command: "bash sync.sh".into(), unit: Some("cron.service".into()), parent: None };
    b.watch.wrote(vec![Writing { name: "kube-apiserver.yaml".into(), by: Ok(sync) }]);
    (1..4).for_each(|n| undo(&b, &heal, n));
    assert_eq!(b.files.text(api()), broken(3), "left to the other");
    assert!(why(&heal).contains("undid 3 repairs of kube-apiserver.yaml within a minute"), "{}", why(&heal));
    assert!(why(&heal).contains("pid 812 `bash sync.sh`, unit cron.service"), "{}", why(&heal));
    let file = heal.facts().files.remove(0);
    assert_eq!((file.budget, file.budget_left), (6, 3));
    assert!(file.fight.unwrap().by.contains("sync.sh"));
    // The fight survives a restart.
    let again = open(&b);
    look(&again);
    assert_eq!((b.files.text(api()), why(&again)), (broken(3), why(&heal)));
    // A person takes over.
    let applied = again.apply(API).unwrap();
    assert_eq!(applied.healed.len(), 2, "the endpoints, and then the gate");
    assert!(b.files.text(api()).contains(SERVERS));
    assert_eq!(open(&b).facts().files[0].fight, None);
}

#[tokio::test(start_paused = true)]
async fn where_the_kernel_does_not_say_it_is_said_why() {
    let b = bench();
    let heal = knowing(&b);
    (0..4).for_each(|n| undo(&b, &heal, n));
    let want = "the kernel does not say who (fanotify: Operation not permitted)";
    assert!(why(&heal).contains(want), "{}", why(&heal));
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_an_hour_outlives_restarts_and_not_a_reboot() {
    let mut b = bench();
    b.settings.fight_limit = 100;
    drop(knowing(&b));
    for n in 0..6 {
        // The heal restarts each time.
        undo(&b, &open(&b), n);
        assert!(b.files.text(api()).contains(SERVERS), "repair {n}");
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    let heal = open(&b);
    undo(&b, &heal, 6);
    assert_eq!(b.files.text(api()), broken(6));
    assert!(why(&heal).contains("repaired 6 times within an hour"), "{}", why(&heal));
    let rebooted = Heal::open(
        b.host.clone(),
        b.settings.clone(),
        "runai-01".parse().unwrap(),
        "boot-2".parse().unwrap(),
    );
    look(&rebooted.unwrap());
    assert!(b.files.text(api()).contains(SERVERS));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_leaves_everything_as_it_is_is_said_and_tried_again() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    b.files.set_full(true);
    look(&heal);
    look(&heal);
    assert_eq!(b.files.text(api()), EMPTY_API, "no change without its intent on the disk");
    assert!(
        heal.findings()[0].report_only.as_ref().unwrap().contains("there is no room"),
        "{:?}",
        heal.findings()
    );
    b.files.set_full(false);
    look(&heal);
    assert!(b.files.text(api()).contains(SERVERS));
    assert_eq!(open(&b).pending().len(), 1, "the half-written lines do no harm");
}
