//! Ops of a head node: who may run them, which run beside each other, and how they are found again.

use super::*;
use crate::config::Role;
use crate::testing::{Bench, Tools, end_unit, said};
use podlift_model::bcm::BcmOp;
use podlift_model::{InstanceId, OpOutput};

const ACTIVE: &str = "Node Status: running in active master mode\nhead-01* -> head-02\nhead-02 -> head-01*\n";
const LOG: &str = "Sun, 22 Nov 2026 00:00:10 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\nSun, 22 Nov 2026 00:01:00 UTC - Rsync completed.\n";

fn epoch() -> Epoch {
    Epoch { number: 1, instance: InstanceId::new("a").unwrap() }
}

fn sync(node: &str) -> HostOp {
    HostOp::Bcm(BcmOp::Sync { node: node.parse().unwrap(), image: "dgx-image".parse().unwrap() })
}

struct Rig {
    bench: Bench,
    tools: Arc<Tools>,
    /// The node's log exists.
    written: Arc<Mutex<bool>>,
}

impl Rig {
    fn new(cmha: &'static str) -> Self {
        let (tools, written) = (Tools::with_packages("1.31.9-1.1"), Arc::new(Mutex::new(false)));
        let (answers, log) = (tools.clone(), written.clone());
        let mut bench = Bench::new(move |call| match (call.program, call.args.last().unwrap().as_str()) {
            ("cmha", _) => said(cmha),
            ("cmsh", script) if script.starts_with("device use ") => {
                let node = script.split([' ', ';']).nth(2).unwrap();
                said(&format!("{node}\ndgx-image\n"))
            }
            ("cmsh", script) if script.starts_with("softwareimage; list") => {
                said("dgx-image|/cm/images/dgx-image|6.8\n")
            }
            ("cmsh", script) if script.starts_with("device; synclog") => {
                said(if *log.lock().unwrap() { LOG } else { "" })
            }
            _ => answers.answer(call),
        });
        bench.config.role = Some(Role::Head);
        let rig = Self { bench, tools, written };
        rig.bench.node().ledger.claim(&epoch()).unwrap();
        rig
    }

    fn start(&self) -> Arc<Executor> {
        let executor = Executor::new(self.bench.node());
        executor.recover();
        executor
    }

    async fn unit_of(&self, op: &str) {
        while !self.tools.running(&format!("podlift-{op}.service")) {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    fn end(&self, op: &str) {
        *self.written.lock().unwrap() = true;
        self.bench
            .files
            .put(podlift_host::paths::op_log(&op.parse().unwrap()), b"imageupdate [ COMPLETED ]\n");
        end_unit(&self.bench, &self.tools, op, 0);
    }
}

fn submit(executor: &Arc<Executor>, op: &str, what: &HostOp) -> watch::Receiver<OpState> {
    match executor.submit(&op.parse().unwrap(), &epoch(), what) {
        Answer::Follow(state) => state,
        other => panic!("{other:?}"),
    }
}

async fn outcome(mut state: watch::Receiver<OpState>) -> OpOutcome {
    let ended = state.wait_for(|s| matches!(s, OpState::Ended(_))).await.unwrap();
    let OpState::Ended(outcome) = ended.clone() else { unreachable!() };
    outcome
}

fn refused(answer: Answer) -> Failure {
    match answer {
        Answer::Refused(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_active_head_acts() {
    for cmha in [
        "Node Status: running in passive mode\nhead-01 -> head-02*\nhead-02* -> head-01\n",
        "Node Status: running in active master mode\nhead-01* -> head-02*\nhead-02* -> head-01*\n",
        "",
    ] {
        let rig = Rig::new(cmha);
        let OpOutcome::Failed { failure } = outcome(submit(&rig.start(), "op-1", &sync("dgx030"))).await
        else {
            panic!("{cmha}")
        };
        assert_eq!(failure.code, "bcm-passive-head");
        assert_eq!(rig.bench.commands.count("cmsh"), 0, "it asks nothing and changes nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_known_names_the_op_and_what_to_do() {
    let rig = Rig::new(ACTIVE);
    let op = HostOp::Bcm(BcmOp::ImageLock { image: "dgx-image".parse().unwrap() });
    let OpOutcome::Failed { failure } = outcome(submit(&rig.start(), "op-1", &op)).await else { panic!() };
    assert_eq!(failure.code, codes::BCM_ANSWER);
    assert!(failure.message.starts_with("bcm-image-lock can't go on: a tool of BCM"), "{}", failure.message);
    assert!(failure.message.ends_with("then podlift retry"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn a_node_takes_no_op_of_a_head() {
    let mut rig = Rig::new(ACTIVE);
    rig.bench.config.role = None;
    let executor = rig.start();
    for op in HostOp::samples().into_iter().filter(HostOp::is_of_head) {
        let failure = refused(executor.submit(&"op-1".parse().unwrap(), &epoch(), &op));
        assert_eq!(failure.code, "not-of-this-role", "{op:?}");
    }
    assert_eq!(rig.bench.commands.count("cm"), 0);
}

#[tokio::test(start_paused = true)]
async fn nodes_are_updated_beside_each_other_and_each_once() {
    let rig = Rig::new(ACTIVE);
    let executor = rig.start();
    let first = submit(&executor, "op-1", &sync("dgx030"));
    rig.unit_of("op-1").await;
    let second = submit(&executor, "op-2", &sync("dgx031"));
    rig.unit_of("op-2").await;
    let failure = refused(executor.submit(&"op-3".parse().unwrap(), &epoch(), &sync("dgx030")));
    assert_eq!(failure.code, codes::BUSY);
    assert!(failure.message.contains("op op-1 (bcm-sync) runs on node dgx030"), "{}", failure.message);
    let node = executor.submit(&"op-4".parse().unwrap(), &epoch(), &HostOp::AptUpdate);
    assert_eq!(refused(node).code, "not-of-this-role");
    rig.end("op-1");
    rig.end("op-2");
    for state in [first, second] {
        let OpOutcome::Done { output: OpOutput::BcmSync(sync) } = outcome(state).await else { panic!() };
        assert!(sync.completed);
    }
    let again = submit(&executor, "op-5", &sync("dgx030"));
    assert!(matches!(*again.borrow(), OpState::Started), "the subject is free again");
}

#[tokio::test(start_paused = true)]
async fn all_of_them_are_found_after_the_agents_death() {
    let rig = Rig::new(ACTIVE);
    let executor = rig.start();
    for (op, node) in [("op-1", "dgx030"), ("op-2", "dgx031")] {
        submit(&executor, op, &sync(node));
        rig.unit_of(op).await;
    }
    executor.shutdown();
    let executor = rig.start();
    assert_eq!(
        refused(executor.submit(&"op-9".parse().unwrap(), &epoch(), &sync("dgx031"))).code,
        codes::BUSY
    );
    // The second ends first: neither waits for the other.
    for op in ["op-2", "op-1"] {
        let Answer::Follow(state) = executor.submit(&op.parse().unwrap(), &epoch(), &sync("dgx030")) else {
            panic!()
        };
        rig.end(op);
        assert!(matches!(outcome(state).await, OpOutcome::Done { .. }), "{op}");
    }
    assert_eq!(rig.bench.commands.count("systemd-run"), 2, "each unit was started once");
}

#[tokio::test(start_paused = true)]
async fn after_a_power_cut_nobody_knows_the_end() {
    let rig = Rig::new(ACTIVE);
    submit(&rig.start(), "op-1", &sync("dgx030"));
    rig.unit_of("op-1").await;
    rig.tools.reboot();
    rig.bench.files.put(podlift_host::paths::BOOT_ID, b"boot-2\n");
    let executor = rig.start();
    let state = match executor.submit(&"op-1".parse().unwrap(), &epoch(), &sync("dgx030")) {
        Answer::Follow(state) => outcome(state).await,
        Answer::Ended(outcome) => outcome,
        other => panic!("{other:?}"),
    };
    assert!(matches!(state, OpOutcome::Indeterminate { .. }), "{state:?}");
}

/// Which head node acts can't be known here, and a site check changes nothing of BCM.
#[tokio::test(start_paused = true)]
async fn a_site_check_runs_on_every_head_and_again_after_the_agents_death() {
    let rig = Rig::new("");
    let files = &rig.bench.files;
    files.put("/usr/bin/python3", b"");
    files.restat("/usr/bin/python3", |stat| stat.mode = 0o755);
    files.put("/etc/podlift/checks.d/storage.py", b"print()\n");
    files.put("/etc/podlift/checks.d/storage.py.toml", b"interpreter = \"/usr/bin/python3\"\n");
    let op = HostOp::SiteCheck { name: "storage.py".parse().unwrap() };
    let executor = rig.start();
    submit(&executor, "op-1", &op);
    let refused = refused(executor.submit(&"op-2".parse().unwrap(), &epoch(), &op));
    assert!(refused.message.contains("runs on site check storage.py"), "{}", refused.message);
    // The agent dies before the check has begun.
    executor.shutdown();
    assert_eq!(rig.bench.commands.count("systemd-run"), 0);
    let executor = rig.start();
    let ended = outcome(submit(&executor, "op-1", &op)).await;
    let OpOutcome::Done { output: OpOutput::SiteCheck(result) } = &ended else { panic!("{ended:?}") };
    assert!(result.passed(), "{result:?}");
    let Answer::Ended(known) = executor.submit(&"op-1".parse().unwrap(), &epoch(), &op) else { panic!() };
    assert_eq!(known, ended);
    assert_eq!((rig.bench.commands.count("systemd-run"), rig.bench.commands.count("cmha")), (1, 0));
    // A file that others can write is a failure that a person mends.
    files.restat("/etc/podlift/checks.d/storage.py", |stat| stat.mode = 0o777);
    let OpOutcome::Failed { failure } = outcome(submit(&executor, "op-3", &op)).await else { panic!() };
    assert_eq!(failure.code, codes::SITE_CHECK_REFUSED);
    assert!(failure.message.contains("can be written by others (mode 0777)"), "{}", failure.message);
}
