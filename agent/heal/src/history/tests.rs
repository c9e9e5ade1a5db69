//! The state that the history's lines give, also after a restart and after the file was begun anew.

use super::*;
use podlift_host::testing::MemFiles;
use podlift_model::Digest;

const API: Component = Component::KubeApiserver;

fn open(files: &Arc<MemFiles>, boot: &str) -> History {
    History::open(files.clone(), boot.parse().unwrap()).unwrap()
}

fn heal(history: &History, n: u64, diff: &str) {
    let (id, at) = (format!("h{n}"), jiff::Timestamp::UNIX_EPOCH);
    let hash = Digest::of("x");
    let intent = Intent {
        id: id.clone(),
        file: API.file(),
        rules: vec!["r".into()],
        at,
        before: hash.clone(),
        after: hash.clone(),
        component: Some(API),
        boot: Some(history.boot.clone()),
        clock: Duration::from_secs(n),
        how: How::Content,
        follows: false,
    };
    history.intent(intent).unwrap();
    let event = HealEvent {
        id,
        node: "n".parse().unwrap(),
        file: API.file(),
        rules: vec!["r".into()],
        at,
        latency_us: 1,
        before: hash.clone(),
        after: hash,
        diff: diff.into(),
    };
    history.event(event).unwrap();
}

fn left(history: &History, now: u64) -> u32 {
    history.budget(|b| b.left(API, Duration::from_secs(now), 6))
}

#[test]
fn a_restart_does_not_refill_the_budget_and_a_reboot_does() {
    let files = Arc::new(MemFiles::default());
    let history = open(&files, "b1");
    (0..4).for_each(|n| heal(&history, n, ""));
    history
        .fight(
            API,
            Fight {
                clock: Duration::from_secs(5),
                since: jiff::Timestamp::UNIX_EPOCH,
                times: 3,
                by: "x".into(),
            },
        )
        .unwrap();
    let again = open(&files, "b1");
    assert_eq!((left(&again, 10), left(&open(&files, "b2"), 10)), (2, 6));
    assert!(again.budget(|b| b.fight(API, Duration::from_secs(10)).is_some()));
    assert_eq!(left(&again, 3600), 3, "one of them is an hour old");
    again.forgive().unwrap();
    assert_eq!(left(&open(&files, "b1"), 10), 6);
}

#[test]
fn a_file_begun_anew_says_the_same() {
    let files = Arc::new(MemFiles::default());
    let history = open(&files, "b1");
    heal(&history, 1, &"x".repeat(LARGE));
    heal(&history, 2, "small");
    history.ack("h1").unwrap();
    history.ack("h2").unwrap();
    let size = files.read(&paths::heal(HISTORY)).unwrap().len();
    assert!(size < 2000, "{size}");
    let again = open(&files, "b1");
    assert_eq!((left(&again, 10), again.pending(), again.open_intents()), (4, vec![], vec![]));
    assert_eq!(again.last(&API.file()).unwrap().id, "h2");
}
