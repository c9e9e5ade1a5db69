//! Updates and waits by CMDaemon's JSON API: what proves one, what does not, and that cmsh is no way around it.

use super::fake::{Fake, State};
use super::*;
use async_trait::async_trait;
use podlift_host::{Http, HttpError, HttpTls, Post};
use podlift_model::{Look, codes};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ZERO: &str = "00000000-0000-0000-0000-000000000000";
const REQUEST: &str = "0b9f36a1-8d43-4b0e-9a55-0c6f5b1d7e01";
const OLD: &str = "Sat, 21 Nov 2026 10:00:00 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\nSat, 21 Nov 2026 10:01:00 UTC - Rsync completed.\n";
const NEW: &str = "Sun, 22 Nov 2026 00:00:10 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\nsending incremental file list\nusr/bin/kubelet\nsent 10 bytes  received 1 bytes\nSun, 22 Nov 2026 00:01:00 UTC - Rsync completed.\n";
const CUT: &str = "Sun, 22 Nov 2026 00:00:10 UTC - Starting rsync daemon based provisioning. Mode is UPDATE.\nrsync error: partial transfer (code 23) at main.c(1)\n";

type Answer = Box<dyn Fn(&str, usize, &mut State) -> Result<Value, String> + Send + Sync>;

/// CMDaemon's API as the test says: it gets the call, how many calls of that name came before, and BCM's state.
struct Daemon {
    answer: Answer,
    state: Arc<Mutex<State>>,
    calls: Mutex<Vec<(String, Value)>>,
}

#[async_trait]
impl Http for Daemon {
    async fn get(&self, _: &str, path: &str, _: &HttpTls) -> Result<(u16, String), HttpError> {
        panic!("{path}")
    }
    async fn post(&self, post: &Post) -> Result<(u16, String), HttpError> {
        let body: Value = serde_json::from_str(&post.body).unwrap();
        let name = body["call"].as_str().unwrap().to_string();
        let before = self.count(&name);
        self.calls.lock().unwrap().push((name.clone(), body["args"].clone()));
        let answer = match name.as_str() {
            "getNodes" => {
                Ok(json!([{"uuid": "n30", "hostname": "dgx030"}, {"uuid": "h1", "hostname": "head-01"}]))
            }
            _ => (self.answer)(&name, before, &mut self.state.lock().unwrap()),
        };
        let text = answer.map_err(|why| HttpError { url: post.url(), why })?;
        Ok((200, text.to_string()))
    }
}

impl Daemon {
    fn count(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(call, _)| call == name).count()
    }
    fn updates(&self) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(call, _)| call == "imageUpdate").map(|(_, args)| args.clone()).collect()
    }
}

/// A head node whose agent.toml has `[bcm.api]`.
fn with(
    answer: impl Fn(&str, usize, &mut State) -> Result<Value, String> + Send + Sync + 'static,
) -> (Fake, Arc<Daemon>) {
    let mut fake = Fake::new();
    fake.state().synclog = OLD.into();
    let daemon = Daemon { answer: Box::new(answer), state: fake.state.clone(), calls: Mutex::default() };
    let daemon = Arc::new(daemon);
    fake.bench.host.http = daemon.clone();
    for file in ["/etc/podlift/bcm/api.crt", "/etc/podlift/bcm/api.key", "/etc/podlift/bcm/ca.crt"] {
        fake.files.put(file, b"x");
    }
    let text = "[api]\nurl = \"https://head-01:8081\"\ncertificate = \"/etc/podlift/bcm/api.crt\"\nkey = \"/etc/podlift/bcm/api.key\"\nca = \"/etc/podlift/bcm/ca.crt\"\n";
    fake.bench.config.bcm = toml::from_str(text).unwrap();
    (fake, daemon)
}

fn op(write: bool) -> BcmOp {
    let (node, image) = ("dgx030".parse().unwrap(), "dgx-image".parse().unwrap());
    if write { BcmOp::Sync { node, image } } else { BcmOp::SyncDryRun { node, image } }
}

fn status(requests: &[Value]) -> Result<Value, String> {
    Ok(json!({
        "provisioningRequestStatusList": requests,
        "provisioningNodeStatusList": [{"ref_node_uuid": "h1", "slotsCapacity": 10, "slotsUsed": requests.len()}],
    }))
}

fn request(more: Value) -> Value {
    let mut request = json!({"request_uuids": [REQUEST], "sourceNode": "h1", "destinationNode": "n30", "state": 4, "syncMode": 9});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// The list before the update is empty; after it, one look each: the request or none, and the node's log then.
fn looks(
    all: Vec<(Option<Value>, &'static str)>,
) -> impl Fn(&str, usize, &mut State) -> Result<Value, String> {
    move |call, before, bcm| match call {
        "imageUpdate" => Ok(json!([REQUEST])),
        "getProvisioningStatus" if before == 0 => status(&[]),
        "getProvisioningStatus" => {
            let (request, log) = &all[(before - 1).min(all.len() - 1)];
            bcm.synclog = (*log).into();
            status(&Vec::from_iter(request.clone()))
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_proves_an_update_that_the_api_began() {
    for write in [true, false] {
        let waits = request(json!({"sourceNode": ZERO, "dryRun": !write}));
        let served = request(json!({"dryRun": !write}));
        let (fake, daemon) = with(looks(vec![(Some(waits), OLD), (Some(served), OLD), (None, NEW)]));
        let OpOutput::BcmSync(sync) = run(&fake, op(write), no_unit).await.unwrap() else { panic!() };
        assert!(sync.completed && sync.changes == 1);
        assert_eq!(daemon.updates(), [json!([["n30"], !write, ZERO, [], []])], "once");
        assert_eq!(fake.commands.count("cmsh -n -q --hide-events --color no -c device; imageupdate"), 0);
        assert_eq!(
            fake.commands.count("cmsh -n -q --hide-events --color no -c softwareimage provisioningstatus"),
            0
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_api_says_proves_nothing() {
    let failing = || {
        request(json!({"errorMessage": "rsync failed", "errorDetails": "code 23", "jobFailureCounter": 2}))
    };
    let at_work = || (Some(request(json!({}))), OLD);
    for (all, why) in [
        (vec![at_work(), (None, OLD)], "no request of it any more, and no new log"),
        (vec![(Some(failing()), OLD), (None, OLD)], "no new log: rsync failed: code 23"),
        // The error came after the log's begin, so that it is of no earlier attempt.
        (
            vec![at_work(), at_work(), at_work(), at_work(), (Some(failing()), OLD), (None, NEW)],
            "its request failed: rsync failed: code 23",
        ),
        (vec![(Some(request(json!({}))), CUT), (None, CUT)], "rsync ended with code 23"),
        (vec![(None, CUT)], "rsync ended with code 23"),
    ] {
        let (fake, _) = with(looks(all));
        let failure = run(&fake, op(true), no_unit).await.unwrap_err();
        assert_eq!(failure.code, codes::BCM_SYNC_FAILED);
        assert!(failure.message.contains(why), "{why}: {}", failure.message);
    }
}

/// CMDaemon tries a request again by itself.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_failed_is_not_the_end_of_a_request() {
    let failed = request(json!({"errorMessage": "rsync failed", "jobFailureCounter": 1}));
    let again = request(json!({"errorMessage": ""}));
    let (fake, daemon) = with(looks(vec![(Some(failed), CUT), (Some(again), CUT), (None, NEW)]));
    assert!(matches!(run(&fake, op(true), no_unit).await, Ok(OpOutput::BcmSync(_))));
    assert_eq!(daemon.updates().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_started_or_that_somebody_else_made() {
    let (fake, _) = with(|call, _, _| match call {
        "imageUpdate" => Ok(json!([ZERO])),
        _ if call == "getProvisioningStatus" => status(&[]),
        other => panic!("{other}"),
    });
    let failure = run(&fake, op(true), no_unit).await.unwrap_err();
    assert_eq!(failure.code, codes::BCM_SYNC_FAILED);
    assert!(
        failure.message.contains("did not start its request: CMDaemon gives no reason"),
        "{}",
        failure.message
    );

    let (fake, daemon) = with(|_, _, _| status(&[request(json!({"request_uuids": ["other"]}))]));
    assert_eq!(code(&fake, op(true), no_unit).await, codes::BCM_BUSY);
    assert_eq!(daemon.updates(), [] as [Value; 0]);
}

/// The agent died after its request, before or after it had written the request down.
#[tokio::test(start_paused = true)]
async fn a_request_of_an_earlier_attempt_is_taken_up() {
    let header = OLD.lines().next().unwrap();
    for memo in [json!({"header": header, "requests": [REQUEST]}), json!({"header": header})] {
        let (fake, daemon) = with(|_, before, bcm| match before {
            0..3 => status(&[request(json!({}))]),
            _ => {
                bcm.synclog = NEW.into();
                status(&[])
            }
        });
        fake.files.put(paths::op_memo(&op_id()), memo.to_string().as_bytes());
        assert!(matches!(run(&fake, op(true), no_unit).await, Ok(OpOutput::BcmSync(_))), "{memo}");
        assert_eq!(daemon.updates(), [] as [Value; 0], "{memo}: never a second time");
    }
    // The dry run of somebody is no real run of this op.
    let (fake, _) = with(|_, _, _| status(&[request(json!({"dryRun": true}))]));
    fake.files.put(paths::op_memo(&op_id()), b"{}");
    assert_eq!(code(&fake, op(true), no_unit).await, codes::BCM_BUSY);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_away_is_an_error_and_no_reason_for_cmsh() {
    let (fake, _) = with(|_, _, _| Err("connection refused".into()));
    let failure = run(&fake, op(true), no_unit).await.unwrap_err();
    assert_eq!(failure.code, codes::BCM_API_UNREACHABLE);
    for words in ["https://head-01:8081/json: connection refused", "[bcm.api] in agent.toml", "podlift retry"]
    {
        assert!(failure.message.contains(words), "{words}: {}", failure.message);
    }
    assert_eq!(
        fake.commands.count("cmsh -n -q --hide-events --color no -c softwareimage provisioningstatus"),
        0
    );
    // A short absence in the middle of an update ends nothing.
    let (fake, _) = with(|call, before, bcm| match (call, before) {
        ("imageUpdate", _) => Ok(json!([REQUEST])),
        (_, 0) => status(&[]),
        (_, 1..4) => Err("connection refused".into()),
        _ => {
            bcm.synclog = NEW.into();
            status(&[])
        }
    });
    assert!(matches!(run(&fake, op(true), no_unit).await, Ok(OpOutput::BcmSync(_))));
}

#[tokio::test(start_paused = true)]
async fn an_image_waits_for_what_the_api_lists() {
    const COPY: &str = "dgx-image-k8s-1.32.9";
    let (fake, _) = with(|_, _, _| status(&[request(json!({}))]));
    let fake = fake.with_clone(COPY);
    let source = BcmOp::ImageSource { image: COPY.parse().unwrap(), minor: "1.32".parse().unwrap() };
    assert_eq!(code(&fake, source, no_unit).await, codes::BCM_BUSY, "although cmsh calls it idle");
}

#[tokio::test(start_paused = true)]
async fn a_look_has_the_names_of_nodes() {
    let (fake, _) = with(|call, _, _| match call {
        "getSoftwareImages" => Ok(json!([{"uuid": "i1", "name": "dgx-image"}])),
        _ => status(&[request(json!({"sourceNode": ZERO}))]),
    });
    let node = fake.node();
    let Ok(OpOutput::BcmProvisioning(seen)) = crate::look::look(&node, &Look::BcmProvisioning).await else {
        panic!()
    };
    assert_eq!((seen.waiting.as_slice(), seen.idle), (&["dgx030".to_string()][..], false));
    assert_eq!(seen.provisioners[0].node, "head-01");
    let sync = Look::BcmSync { node: "dgx030".parse().unwrap() };
    let Ok(OpOutput::BcmSync(seen)) = crate::look::look(&node, &sync).await else { panic!() };
    assert_eq!(seen.request.as_deref(), Some("a request of dgx030 waits"));
}

/// `updateprovisioners` ended, and the API says of which image each provisioner has the current state.
#[tokio::test(start_paused = true)]
async fn provisioners_are_judged_by_the_images_that_the_api_calls_current() {
    for (current, ok) in [(true, true), (false, false)] {
        let (fake, _) = with(move |call, _, _| match call {
            "getSoftwareImages" => Ok(json!([{"uuid": "i1", "name": "dgx-image"}])),
            _ => Ok(json!({"provisioningNodeStatusList": [
                {"ref_node_uuid": "h1", "ref_image_uuids": ["i1"], "upToDate": [current], "slotsCapacity": 10},
            ]})),
        });
        let op = BcmOp::Provisioners { image: "dgx-image".parse().unwrap() };
        let output = run(&fake, op, |_| (0, "Finished updating software image(s)\n".into())).await;
        assert_eq!(output.is_ok(), ok, "{output:?}");
    }
}
