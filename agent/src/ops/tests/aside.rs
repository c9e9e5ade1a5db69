//! Stepping aside and back, with a kernel that knows podlift's table, and other API servers that serve or not.

use super::{done, pods};
use crate::aside;
use crate::look;
use crate::testing::{Bench, LIVE_API, MemFiles, exited, said};
use async_trait::async_trait;
use podlift_host::{CommandError, Files as _, Http, HttpError, HttpTls, Invocation, Output, paths};
use podlift_model::op::Component;
use podlift_model::{Digest, HostOp, Look, NodeFacts, OpOutput};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const STANDS: &str = include_str!("../../../tools/src/nft/stands.json");
const EXPIRED: &str = include_str!("../../../tools/src/nft/expired.json");

/// What `nft` does on this node.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Nft {
    #[default]
    Works,
    Absent,
    /// The kernel refuses podlift's table.
    Refuses,
}

#[derive(Default)]
struct State {
    nft: Nft,
    /// When the refusal ends, if the table is there.
    until: Option<Instant>,
    /// Other API servers that serve.
    others: Vec<&'static str>,
    /// No endpoints can be read.
    no_slice: bool,
    /// Status of an authorised read.
    object: u16,
    /// The API server's container, if it is not the first one.
    container: Option<&'static str>,
    /// Whether the table stood when the manifest was repaired.
    healed_aside: Option<bool>,
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

impl World {
    fn nft(&self, args: &[&str]) -> Result<Output, CommandError> {
        let mut state = self.0.lock().unwrap();
        let absent = "Error: Could not process rule: No such file or directory\n";
        match (state.nft, args) {
            (Nft::Absent, _) => {
                Err(CommandError::NotFound { program: "nft".into(), path: "/usr/sbin".into() })
            }
            (_, ["-j", "list", "table", "inet", "podlift_step_aside"]) => match state.until {
                None => exited(1, "Error: No such file or directory\nlist table inet podlift_step_aside\n"),
                Some(until) if until <= Instant::now() => said(EXPIRED),
                Some(_) => said(STANDS),
            },
            (Nft::Refuses, ["-f", _]) => {
                exited(1, "Error: Could not process rule: Operation not supported\n")
            }
            (Nft::Works, ["-f", paths::STEP_ASIDE]) => {
                state.until = Some(Instant::now() + Duration::from_secs(600));
                said("")
            }
            (_, ["delete", "table", "inet", "podlift_step_aside"]) => match state.until.take() {
                Some(_) => said(""),
                None => exited(1, absent),
            },
            other => panic!("{other:?}"),
        }
    }
    fn crictl(&self, call: &Invocation) -> Result<Output, CommandError> {
        let Some(id) = self.0.lock().unwrap().container else {
            return pods::answer(&pods::at("v1.31.14"), call);
        };
        let old = |arg: &String| if arg == id { "kube-apiserver".into() } else { arg.clone() };
        let call = Invocation { args: call.args.iter().map(old).collect(), ..call.clone() };
        let output = pods::answer(&pods::at("v1.31.14"), &call)?;
        let stdout = output.stdout.replace(r#""id":"kube-apiserver""#, &format!(r#""id":"{id}""#));
        Ok(Output { stdout, ..output })
    }
    fn stands(&self) -> bool {
        self.0.lock().unwrap().until.is_some()
    }
}

#[async_trait]
impl Http for World {
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
        let state = self.0.lock().unwrap();
        let refused = || HttpError { url: format!("https://{endpoint}{path}"), why: "refused".into() };
        let own = endpoint == "10.77.0.11:6443" || endpoint.starts_with("127.0.0.1");
        match path {
            "/readyz" if !own && !state.others.contains(&endpoint) => Err(refused()),
            _ if path.contains("/endpointslices/kubernetes") && !state.no_slice => {
                assert!(tls.client.is_some(), "the read is authorised");
                let one = |n: u32| format!(r#"{{"addresses":["10.77.0.{n}"]}}"#);
                let all = [one(11), one(12), one(13)].join(",");
                Ok((200, format!(r#"{{"endpoints":[{all}],"ports":[{{"port":6443}}]}}"#)))
            }
            _ if path.starts_with("/api") => Ok((state.object, r#"{"message":"no role yet"}"#.into())),
            _ => Ok((200, "ok".into())),
        }
    }
}

fn world(others: &[&'static str]) -> (Bench, World) {
    let world =
        World(Arc::new(Mutex::new(State { others: others.to_vec(), object: 200, ..State::default() })));
    let kernel = world.clone();
    let mut bench = Bench::new(move |call: &Invocation| match call.program {
        "nft" => kernel.nft(&call.args.iter().map(String::as_str).collect::<Vec<_>>()),
        _ => kernel.crictl(call),
    })
    .control_plane();
    bench.host.http = Arc::new(world.clone());
    for name in ["apiserver-kubelet-client.crt", "apiserver-kubelet-client.key"] {
        bench.files.put(Path::new("/etc/kubernetes/pki/runaicluster").join(name), b"pem");
    }
    (bench, world)
}

const BOTH: [&str; 2] = ["10.77.0.12:6443", "10.77.0.13:6443"];

fn step_aside() -> HostOp {
    HostOp::StepAside { seconds: 600, reason: "upgrade r1 restarts the API server".into() }
}

fn text(output: OpOutput) -> String {
    match output {
        OpOutput::Changed(text) | OpOutput::Unchanged(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn facts(b: &Bench) -> NodeFacts {
    match look::look(&b.node(), &Look::Facts).await {
        Ok(OpOutput::Facts(facts)) => *facts,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_steps_aside_and_back_and_both_are_seen() {
    let (b, world) = world(&BOTH);
    let node = b.node();
    assert_eq!(facts(&b).await.step_aside.unwrap(), Default::default());
    let said = text(done(&node, step_aside()).await);
    assert_eq!(said, "new connections of other hosts to port 6443 are refused until 2026-11-22T00:10:00Z");
    let rule = b.files.text(paths::STEP_ASIDE);
    assert!(rule.contains("elements = { 6443 timeout 600s }"), "{rule}");
    let active = facts(&b).await.step_aside.unwrap().active.unwrap();
    assert_eq!(active.reason, "upgrade r1 restarts the API server");
    // Once more, after a crash that hid the end: the same table, with a new deadline.
    assert!(matches!(done(&node, step_aside()).await, OpOutput::Changed(_)));
    assert!(matches!(done(&node, HostOp::StepBack).await, OpOutput::Changed(_)));
    assert!(!world.stands());
    assert!(matches!(done(&node, HostOp::StepBack).await, OpOutput::Unchanged(_)));
    assert_eq!(facts(&b).await.step_aside.unwrap().active, None);
}

#[tokio::test(start_paused = true)]
async fn what_prevents_it_is_said_and_stops_no_upgrade() {
    let cases: [(Nft, &[&str], bool, &str, bool); 5] = [
        (Nft::Absent, &BOTH, true, "nft is not on the command path", true),
        (Nft::Refuses, &BOTH, true, "Operation not supported", true),
        (Nft::Works, &BOTH, false, "ops.step_aside = false", true),
        // Three members, of which one more is away: that may pass, so it is no fact of the node.
        (
            Nft::Works,
            &BOTH[..1],
            true,
            "1 other API server serves (10.77.0.12:6443), expected at least 2",
            false,
        ),
        (Nft::Works, &[], true, "0 other API servers serve (none)", false),
    ];
    for (nft, others, allowed, want, lasting) in cases {
        let (mut b, world) = world(&[]);
        world.0.lock().unwrap().others =
            others.iter().map(|o| *BOTH.iter().find(|b| *b == o).unwrap()).collect();
        world.0.lock().unwrap().nft = nft;
        b.config.ops.step_aside = allowed;
        let node = b.node();
        let OpOutput::Unchanged(line) = done(&node, step_aside()).await else { panic!("{want}") };
        assert!(line.starts_with("not stepped aside: ") && line.contains(want), "{line}");
        assert!(!world.stands(), "{want}");
        let OpOutput::Facts(facts) = look::look(&node, &Look::Facts).await.unwrap() else { panic!() };
        let impossible = facts.step_aside.unwrap().impossible;
        assert_eq!(impossible.is_some_and(|why| why.contains(want)), lasting, "{want}");
        assert!(matches!(done(&node, HostOp::StepBack).await, OpOutput::Unchanged(_)));
    }
}

/// One failed load must not cost the later restarts their step aside.
#[tokio::test(start_paused = true)]
async fn a_table_that_could_not_be_loaded_once_is_tried_again_later() {
    let (b, world) = world(&BOTH);
    let node = b.node();
    let impossible = async || match look::look(&node, &Look::Facts).await {
        Ok(OpOutput::Facts(facts)) => facts.step_aside.unwrap().impossible,
        other => panic!("{other:?}"),
    };
    world.0.lock().unwrap().nft = Nft::Refuses;
    assert!(matches!(done(&node, step_aside()).await, OpOutput::Unchanged(_)));
    assert!(impossible().await.is_some());
    world.0.lock().unwrap().nft = Nft::Works;
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(impossible().await, None);
    assert!(matches!(done(&node, step_aside()).await, OpOutput::Changed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_can_not_ask_for_the_others_believes_its_coordinator() {
    let (b, world) = world(&[]);
    world.0.lock().unwrap().no_slice = true;
    world.0.lock().unwrap().object = 403;
    assert!(matches!(done(&b.node(), step_aside()).await, OpOutput::Changed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_worker_has_no_api_server_to_step_aside() {
    let b = Bench::new(|call| if call.program == "nft" { panic!("{call:?}") } else { exited(1, "") });
    let OpOutput::Unchanged(line) = done(&b.node(), step_aside()).await else { panic!() };
    assert!(line.contains("no manifest of kube-apiserver"), "{line}");
    let impossible = facts(&b).await.step_aside.unwrap().impossible.unwrap();
    assert!(impossible.contains("no manifest of kube-apiserver"), "{impossible}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_table_is_removed_at_the_start_and_in_the_tick() {
    let (b, world) = world(&BOTH);
    let node = b.node();
    done(&node, step_aside()).await;
    let keeping = tokio::spawn({
        let node = node.clone();
        async move { aside::keep(&node).await }
    });
    tokio::time::sleep(Duration::from_secs(599)).await;
    assert!(world.stands(), "the deadline is not over");
    assert!(facts(&b).await.step_aside.unwrap().active.is_some());
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(!world.stands(), "the tick removed it");
    let asked = b.commands.count("nft");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(b.commands.count("nft"), asked, "an absent table is not asked for again and again");
    keeping.abort();
    // An agent that was away while the deadline passed.
    done(&node, step_aside()).await;
    tokio::time::sleep(Duration::from_secs(700)).await;
    let node = b.node();
    let keeping = tokio::spawn(async move { aside::keep(&node).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!world.stands(), "the start removed it");
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn an_api_server_serves_when_an_authorised_read_succeeds() {
    for (status, serves) in [(200, true), (404, true), (403, false), (503, false)] {
        let (b, world) = world(&BOTH);
        world.0.lock().unwrap().object = status;
        let OpOutput::Components(all) = look::look(&b.node(), &Look::Components).await.unwrap() else {
            panic!()
        };
        let server = &all[0];
        assert!(server.ready, "readyz says ok all the time");
        assert_eq!((server.object_read, server.serves()), (Some(serves), serves), "{status}");
        assert!(server.object_answer.starts_with("GET /api/v1/nodes/runai-01: "), "{}", server.object_answer);
        assert_eq!(server.object_answer.contains("no role yet"), !serves, "{}", server.object_answer);
        assert_eq!(all[1].object_read, None);
    }
    let (b, _) = world(&BOTH);
    b.files.remove(Path::new("/etc/kubernetes/pki/runaicluster/apiserver-kubelet-client.key")).unwrap();
    let OpOutput::Components(all) = look::look(&b.node(), &Look::Components).await.unwrap() else { panic!() };
    assert_eq!((all[0].object_read, all[0].serves()), (None, true), "a node without credentials can't ask");
}

/// The kubelet starts a new container twenty seconds after a change of the manifest.
async fn kubelet(files: Arc<MemFiles>, world: World) {
    while files.text(paths::manifest(Component::KubeApiserver)).contains("MaxUnavailable") {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let stands = world.stands();
    world.0.lock().unwrap().healed_aside = Some(stands);
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.0.lock().unwrap().container = Some("new");
}

#[tokio::test(start_paused = true)]
async fn a_heal_that_is_not_urgent_steps_aside_and_back() {
    for (others, aside, want) in [
        (
            &BOTH[..],
            true,
            "1 repair of kube-apiserver.yaml; the API server stepped aside and serves again after 2",
        ),
        (
            &BOTH[..1],
            false,
            "1 repair of kube-apiserver.yaml; the API server did not step aside: 1 other API server serves",
        ),
    ] {
        let (b, world) = world(others);
        let (node, component) = (b.node(), Component::KubeApiserver);
        let servers = "https://10.77.0.11:2379".into();
        let learned = podlift_heal::Learned { servers, ..Default::default() };
        node.heal.learned(learned, &Digest::of(LIVE_API)).unwrap();
        let kubelet = tokio::spawn(kubelet(b.files.clone(), world.clone()));
        let line = text(done(&node, HostOp::HealApply { component }).await);
        assert!(line.starts_with(want), "{line}");
        let aside_then = world.0.lock().unwrap().healed_aside;
        assert_eq!(aside_then.unwrap_or_default(), aside, "it steps aside before the repair");
        assert!(!world.stands(), "and back after the restart");
        kubelet.abort();
        // Nothing is left to repair, so nothing restarts and nothing steps aside.
        let loads = b.commands.count("nft -f");
        assert!(matches!(done(&node, HostOp::HealApply { component }).await, OpOutput::Unchanged(_)));
        assert_eq!(b.commands.count("nft -f"), loads);
    }
}
