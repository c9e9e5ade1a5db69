//! Order, fences and recovery of the executor.

mod holds;

use super::*;
use crate::agent::{Agent, Seams};
use crate::ledger::{Ledger, LedgerError, OpenOp};
use crate::testing::{Bench, Tools, end_unit};
use podlift_host::Files as _;
use podlift_host::paths;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{FailureClass, InstanceId, LedgerId, OpOutput, RunId};
use std::path::Path;
use std::time::Duration;

const LOCKED: &str = include_str!("../../../tests/fixtures/apt/lock.txt");

fn epoch(number: u64, instance: &str) -> Epoch {
    Epoch { number, instance: InstanceId::new(instance).unwrap() }
}
fn id(text: &str) -> OpId {
    OpId::new(text).unwrap()
}
fn install() -> HostOp {
    HostOp::PackageInstall {
        packages: vec![PackagePin { package: Package::Kubeadm, version: "1.32.9-1.1".parse().unwrap() }],
        repair: false,
        devices: None,
    }
}
fn arm() -> HostOp {
    HostOp::GuardArm { allow: vec![], run: RunId::new("r1").unwrap(), seconds: 60 }
}
fn kubeadm() -> HostOp {
    HostOp::KubeadmNode { skip: vec![], whole: false }
}

struct Rig {
    bench: Bench,
    tools: Arc<Tools>,
}

impl Rig {
    fn new() -> Self {
        let tools = Tools::with_packages("1.31.9-1.1");
        let answers = tools.clone();
        let bench = Bench::new(move |call| answers.answer(call)).control_plane();
        let source = b"deb https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n";
        bench.files.put("/etc/apt/sources.list.d/kubernetes.list", source);
        let rig = Self { bench, tools };
        rig.node().ledger.claim(&epoch(1, "a")).unwrap();
        rig
    }
    fn node(&self) -> Arc<Node> {
        self.bench.node()
    }
    /// A new agent process on the same disk.
    fn start(&self) -> Arc<Executor> {
        let executor = Executor::new(self.node());
        executor.recover();
        executor
    }
    fn reboot(&self) {
        self.tools.reboot();
        self.bench.files.put(paths::BOOT_ID, b"boot-2\n");
    }
}

fn follow(answer: Answer) -> watch::Receiver<OpState> {
    match answer {
        Answer::Follow(state) => state,
        other => panic!("{other:?}"),
    }
}
fn refused(answer: Answer) -> Failure {
    match answer {
        Answer::Refused(failure) => failure,
        other => panic!("{other:?}"),
    }
}
async fn ended(state: &mut watch::Receiver<OpState>) -> OpOutcome {
    let state = state.wait_for(|s| matches!(s, OpState::Ended(_))).await.unwrap();
    match &*state {
        OpState::Ended(outcome) => outcome.clone(),
        other => panic!("{other:?}"),
    }
}
/// Waits until the op's unit runs.
async fn unit_runs(rig: &Rig, op: &str) {
    let unit = format!("podlift-{op}.service");
    while !rig.tools.running(&unit) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_installation_from_acceptance_to_holds() {
    let rig = Rig::new();
    let executor = rig.start();
    let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    unit_runs(&rig, "op-1").await;
    assert_eq!(rig.tools.held(), Vec::<String>::new());
    rig.bench.files.put(paths::op_log(&id("op-1")), b"Unpacking kubeadm\n");
    state.wait_for(|s| *s == OpState::Progress("Unpacking kubeadm".into())).await.unwrap();
    rig.tools.install("kubeadm", "1.32.9-1.1");
    end_unit(&rig.bench, &rig.tools, "op-1", 0);
    let outcome = ended(&mut state).await;
    assert_eq!(outcome, OpOutcome::changed("installed kubeadm 1.32.9-1.1"));
    assert_eq!(rig.tools.held(), ["cri-tools", "kubeadm", "kubectl", "kubelet"]);
    let again = executor.submit(&id("op-1"), &epoch(1, "a"), &install());
    assert!(matches!(again, Answer::Ended(o) if o == outcome), "a known op id gets its outcome");
    assert_eq!(rig.bench.commands.count("systemd-run"), 1);
    let call = rig.bench.commands.calls().into_iter().find(|c| c.starts_with("systemd-run")).unwrap();
    assert!(
        call.contains("--unit=podlift-op-1.service")
            && call.contains("ExecStopPost=/usr/bin/podlift-agent --root / record-exit op-1"),
        "{call}"
    );
    assert!(!call.contains("--pipe") && !call.contains("--collect") && !call.contains("--wait"), "{call}");
}

#[tokio::test(start_paused = true)]
async fn another_programs_lock_is_waited_for_and_its_holder_is_named() {
    let rig = Rig::new();
    let executor = rig.start();
    rig.bench.files.put("/proc/6296/comm", b"unattended-upgr\n");
    rig.bench.files.put("/proc/6296/cmdline", b"/usr/bin/python3\0/usr/bin/unattended-upgrade\0");
    rig.bench.files.set_lock("/var/lib/dpkg/lock-frontend", Some(6296));
    let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    let said = |s: &OpState| matches!(s, OpState::Progress(line) if line.contains("waiting for 7 s: /var/lib/dpkg/lock-frontend is held by process 6296 (unattended-upgr: /usr/bin/python3 /usr/bin/unattended-upgrade)"));
    state.wait_for(said).await.unwrap();
    assert_eq!(rig.bench.commands.count("apt-mark"), 0, "holds stay while it waits");
    rig.bench.files.set_lock("/var/lib/dpkg/lock-frontend", None);
    unit_runs(&rig, "op-1").await;
    end_unit(&rig.bench, &rig.tools, "op-1", 100);
    ended(&mut state).await;
    // A lock that is never released: a transient failure, with nothing begun.
    rig.bench.files.set_lock("/var/cache/apt/archives/lock", Some(7));
    let mut state = follow(executor.submit(&id("op-2"), &epoch(1, "a"), &install()));
    let OpOutcome::Failed { failure } = ended(&mut state).await else { panic!() };
    assert_eq!((failure.code.as_str(), failure.class), ("apt-lock", FailureClass::Transient));
    assert!(failure.message.contains("archives/lock is held by process 7 for 300 s"), "{}", failure.message);
    assert_eq!(rig.bench.commands.count("systemd-run"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_installation_holds_again_too() {
    let rig = Rig::new();
    let executor = rig.start();
    let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    unit_runs(&rig, "op-1").await;
    rig.bench.files.put(paths::op_log(&id("op-1")), LOCKED.as_bytes());
    end_unit(&rig.bench, &rig.tools, "op-1", 100);
    let OpOutcome::Failed { failure } = ended(&mut state).await else { panic!() };
    assert_eq!((failure.code.as_str(), failure.class), ("apt-lock", FailureClass::Transient));
    assert_eq!(rig.tools.held(), ["cri-tools", "kubeadm", "kubectl", "kubelet"]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_does_not_come_back_fails_the_op() {
    let rig = Rig::new();
    let executor = rig.start();
    let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    unit_runs(&rig, "op-1").await;
    rig.tools.install("kubeadm", "1.32.9-1.1");
    rig.tools.break_call("apt-mark hold", "dpkg: error");
    end_unit(&rig.bench, &rig.tools, "op-1", 0);
    assert!(matches!(ended(&mut state).await, OpOutcome::Failed { .. }));
}

#[tokio::test(start_paused = true)]
async fn one_mutation_at_a_time_and_anybody_may_follow_it() {
    let rig = Rig::new();
    let executor = rig.start();
    let mut first = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    let busy = refused(executor.submit(&id("op-2"), &epoch(1, "a"), &arm()));
    assert_eq!((busy.code.as_str(), busy.class), ("busy", FailureClass::Transient));
    assert!(busy.message.contains("op-1 (package-install)"), "{}", busy.message);
    let mut second = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    unit_runs(&rig, "op-1").await;
    end_unit(&rig.bench, &rig.tools, "op-1", 100);
    assert_eq!(ended(&mut first).await, ended(&mut second).await);
    assert!(matches!(executor.lookup(&id("op-2")), Lookup::Unknown), "a refused op leaves no trace");
    ended(&mut follow(executor.submit(&id("op-2"), &epoch(1, "a"), &arm()))).await;
}

#[tokio::test(start_paused = true)]
async fn who_may_command() {
    let rig = Rig::new();
    let executor = rig.start();
    for (e, want) in [(epoch(0, "a"), "epoch-stale"), (epoch(1, "b"), "epoch-stale")] {
        assert_eq!(refused(executor.submit(&id("x"), &e, &arm())).code, want);
    }
    ended(&mut follow(executor.submit(&id("op-1"), &epoch(2, "b"), &arm()))).await;
    assert_eq!(
        refused(executor.submit(&id("op-1"), &epoch(1, "a"), &arm())).code,
        "epoch-stale",
        "also for a known op"
    );
    rig.bench.files.remove(Path::new(paths::LEDGER)).unwrap();
    let forgotten = rig.start();
    assert_eq!(refused(forgotten.submit(&id("op-3"), &epoch(2, "b"), &arm())).code, "ledger-new");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_was_killed_finds_its_unit_again() {
    for ended_meanwhile in [false, true] {
        let rig = Rig::new();
        let executor = rig.start();
        drop(follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install())));
        unit_runs(&rig, "op-1").await;
        executor.shutdown();
        rig.tools.install("kubeadm", "1.32.9-1.1");
        if ended_meanwhile {
            end_unit(&rig.bench, &rig.tools, "op-1", 0);
        }
        let executor = rig.start();
        let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
        if !ended_meanwhile {
            end_unit(&rig.bench, &rig.tools, "op-1", 0);
        }
        assert_eq!(ended(&mut state).await, OpOutcome::changed("installed kubeadm 1.32.9-1.1"));
        assert_eq!(rig.bench.commands.count("systemd-run"), 1, "never started twice");
        assert_eq!(rig.tools.held(), ["cri-tools", "kubeadm", "kubectl", "kubelet"]);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_can_know_how_it_ended() {
    for (case, why) in [("reboot", "restarted"), ("unit gone", "gone")] {
        let rig = Rig::new();
        let executor = rig.start();
        drop(follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install())));
        unit_runs(&rig, "op-1").await;
        executor.shutdown();
        if case == "reboot" {
            rig.reboot()
        } else {
            rig.tools.stop_unit("op-1")
        }
        let executor = rig.start();
        let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
        let OpOutcome::Indeterminate { why: got } = ended(&mut state).await else { panic!("{case}") };
        assert!(got.contains(why), "{case}: {got}");
        assert_eq!(rig.bench.commands.count("systemd-run"), 1, "{case}: never replayed");
        assert_eq!(rig.tools.held(), ["cri-tools", "kubeadm", "kubectl", "kubelet"], "{case}: held again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reboot_after_the_record_changes_nothing() {
    let rig = Rig::new();
    let executor = rig.start();
    drop(follow(executor.submit(&id("op-1"), &epoch(1, "a"), &kubeadm())));
    unit_runs(&rig, "op-1").await;
    executor.shutdown();
    end_unit(&rig.bench, &rig.tools, "op-1", 0);
    rig.reboot();
    let executor = rig.start();
    let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &kubeadm()));
    let OpOutcome::Done { output: OpOutput::Changed(line) } = ended(&mut state).await else { panic!() };
    assert!(line.starts_with("kubeadm exited 0 after "), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_a_lost_ledger_forgot_still_counts() {
    let rig = Rig::new();
    let executor = rig.start();
    drop(follow(executor.submit(&id("op-1"), &epoch(1, "a"), &kubeadm())));
    unit_runs(&rig, "op-1").await;
    executor.shutdown();
    rig.bench.files.remove(Path::new(paths::LEDGER)).unwrap();
    let node = rig.node();
    node.ledger.claim(&epoch(2, "a")).unwrap();
    let executor = Executor::new(node);
    let mut state = follow(executor.submit(&id("op-2"), &epoch(2, "a"), &install()));
    let OpOutcome::Failed { failure } = ended(&mut state).await else { panic!() };
    assert!(failure.code == "unit-running" && failure.message.contains("podlift-op-1.service"), "{failure}");
    assert_eq!(rig.tools.held(), ["cri-tools", "kubeadm", "kubectl", "kubelet"], "nothing was touched");
}

/// The agent accepted the op and died at once.
fn accepted_only(rig: &Rig, op: &HostOp) {
    let node = rig.node();
    let clock = &node.host.clock;
    let accepted = Accepted {
        op: op.clone(),
        epoch: epoch(1, "a"),
        boot: node.boot.clone(),
        at: clock.now(),
        since_boot: clock.since_boot(),
    };
    node.ledger.accept(&id("op-1"), &accepted).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_open_and_no_unit_is_judged_by_looking() {
    let run = RunId::new("r1").unwrap();
    let cases = [
        (arm(), "guard armed for 60 s"),
        (HostOp::GuardDisarm { run }, "no guard is armed"),
        (HostOp::KubeletRestart { devices: None }, "indeterminate"),
        (install(), "indeterminate"),
        (HostOp::AptUpdate, "fresh"),
    ];
    for (op, want) in cases {
        let rig = Rig::new();
        accepted_only(&rig, &op);
        let executor = rig.start();
        let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &op));
        if op == HostOp::AptUpdate {
            unit_runs(&rig, "op-1").await;
            end_unit(&rig.bench, &rig.tools, "op-1", 0);
        }
        let got = match ended(&mut state).await {
            OpOutcome::Done { output: OpOutput::Changed(line) | OpOutput::Unchanged(line) } => line,
            OpOutcome::Indeterminate { .. } => "indeterminate".into(),
            other => format!("{other:?}"),
        };
        assert!(got.contains(want), "{}: {got}", op.verb());
        assert_eq!(rig.bench.commands.count("systemctl restart"), 0, "{}: not done again", op.verb());
    }
}

/// Records the order of the ledger's calls, and what had happened before each.
struct Noting {
    inner: Arc<dyn Ledger>,
    files: Arc<crate::testing::MemFiles>,
    notes: Arc<Mutex<Vec<String>>>,
    fail_ended: Mutex<u32>,
}

impl Noting {
    fn note(&self, what: &str) {
        let unit_logged = self.files.read(&paths::op_log(&id("op-1"))).is_ok();
        self.notes.lock().unwrap().push(format!("{what}, unit prepared: {unit_logged}"));
    }
}

impl Ledger for Noting {
    fn id(&self) -> LedgerId {
        self.inner.id()
    }
    fn highest(&self) -> Option<Epoch> {
        self.inner.highest()
    }
    fn claim(&self, epoch: &Epoch) -> Result<bool, LedgerError> {
        self.inner.claim(epoch)
    }
    fn lookup(&self, op: &OpId) -> Lookup {
        self.inner.lookup(op)
    }
    fn accept(&self, op: &OpId, accepted: &Accepted) -> Result<(), LedgerError> {
        self.note("accepted");
        self.inner.accept(op, accepted)
    }
    fn started(&self, op: &OpId) -> Result<(), LedgerError> {
        self.note("started");
        self.inner.started(op)
    }
    fn ended(&self, op: &OpId, outcome: &OpOutcome) -> Result<(), LedgerError> {
        self.note("ended");
        let mut left = self.fail_ended.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(LedgerError::Io { path: paths::LEDGER.into(), source });
        }
        self.inner.ended(op, outcome)
    }
    fn open_ops(&self) -> Vec<OpenOp> {
        self.inner.open_ops()
    }
    fn runs(&self) -> Vec<RunId> {
        self.inner.runs()
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_comes_before_the_effect_and_before_the_news() {
    let rig = Rig::new();
    let notes = Arc::new(Mutex::new(Vec::new()));
    let (files, noted) = (rig.bench.files.clone(), notes.clone());
    let wrap = move |inner| {
        Arc::new(Noting { inner, files, notes: noted, fail_ended: Mutex::new(2) }) as Arc<dyn Ledger>
    };
    let seams = Seams { wrap_ledger: Some(Box::new(wrap)), ..Seams::default() };
    let agent = Agent::open_with(rig.bench.host.clone(), rig.bench.config.clone(), seams).unwrap();
    let executor = Executor::new(agent.node.clone());
    let mut state = follow(executor.submit(&id("op-1"), &epoch(1, "a"), &install()));
    unit_runs(&rig, "op-1").await;
    end_unit(&rig.bench, &rig.tools, "op-1", 100);
    ended(&mut state).await;
    let want =
        ["accepted, unit prepared: false", "started, unit prepared: true", "ended, unit prepared: true"];
    let notes = notes.lock().unwrap().clone();
    assert_eq!(notes[..3], want);
    assert_eq!(notes.len(), 5, "an outcome that can't be recorded is not told: {notes:?}");
}
