//! Asks the cluster's DNS for a name, from a pod that the scheduler places. The pod uses an image that nodes have already: that of
//! calico-node, or another one that the configuration names. It needs a shell and getent or nslookup.

use super::api::{Api, ApiError};
use super::test_objects::{path, pod, refused, sweep};
use podlift_engine::validate::NameAnswer;
use podlift_model::Failure;
use podlift_model::survey::Seen;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

const PROBE: &str = "dns";
const POD: &str = "podlift-validate-dns";
const NAME: &str = "kubernetes.default.svc.cluster.local";
const LIMIT: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(250);

/// A probe whose validation was dropped still sweeps, and would take the pod of the next one away.
static TURN: Mutex<()> = Mutex::const_new(());

/// `Err` if no query could be made. A query without an answer is a `NameAnswer` with the reason.
pub(super) async fn ask(api: &Api, image: Option<&str>) -> Seen<Vec<NameAnswer>> {
    let _turn = TURN.lock().await;
    sweep(api, PROBE).await.map_err(words)?;
    let image = match image {
        Some(image) => image.to_string(),
        None => on_nodes(api).await?,
    };
    let script = format!(
        "out=$(if command -v getent >/dev/null; then getent ahostsv4 {NAME}; else nslookup {NAME}; fi 2>&1); code=$?; echo \"$out\" >/dev/termination-log; exit $code"
    );
    let container = json!({"command": ["/bin/sh", "-c", script]});
    let object = pod(POD, PROBE, &image, container, json!([]), LIMIT.as_secs());
    let began = Instant::now();
    api.post(&path("pods"), &object).await.map_err(|error| refused("the test pod", error))?;
    let answer = ended(api, began).await;
    let swept = sweep(api, PROBE).await.map_err(words);
    let answer = answer?;
    swept.map(|()| vec![answer])
}

fn words(failure: Failure) -> String {
    failure.message
}

/// The image of calico-node, which every node has.
async fn on_nodes(api: &Api) -> Seen<String> {
    let selector = [("fieldSelector", "metadata.name=calico-node")];
    let sets = api.list("/apis/apps/v1/daemonsets", &selector).await.map_err(|error| words(error.into()))?;
    let image =
        sets.iter().find_map(|set| set["spec"]["template"]["spec"]["containers"][0]["image"].as_str());
    image.map(String::from).ok_or_else(|| {
        "there is no calico-node whose image a test pod could use: set [validate] image in /etc/podlift/coordinator.toml to an image with a shell that nodes have".into()
    })
}

async fn ended(api: &Api, began: Instant) -> Seen<NameAnswer> {
    let at = format!("{}/{POD}", path("pods"));
    let mut last = String::new();
    while began.elapsed() < LIMIT {
        match api.get(&at).await {
            Ok(object) => match read(&object, began.elapsed())? {
                Some(answer) => return Ok(answer),
                None => last = waits(&object),
            },
            Err(ApiError::Status(s)) if s.code == 404 => {
                return Err("the test pod was deleted by another client".into());
            }
            Err(error) => last = words(error.into()),
        }
        sleep(AGAIN).await;
    }
    Err(format!("the test pod did not end within {} s: {last}", LIMIT.as_secs()))
}

fn waits(object: &Value) -> String {
    let state = &object["status"]["containerStatuses"][0]["state"]["waiting"];
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let unplaced = conditions.filter(|c| c["status"] == "False").find_map(|c| c["message"].as_str());
    let reason = state["message"].as_str().or(state["reason"].as_str()).or(unplaced);
    reason.unwrap_or("it is not known what it waits for").to_string()
}

/// `Ok(None)` while the pod runs. `Err` if the program itself could not run.
fn read(object: &Value, elapsed: Duration) -> Seen<Option<NameAnswer>> {
    let ended = &object["status"]["containerStatuses"][0]["state"]["terminated"];
    if !matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return Ok(None);
    }
    let said = ended["message"].as_str().unwrap_or_default();
    match ended["exitCode"].as_i64() {
        None => {
            return Err(format!(
                "the test pod ended before its program ran: {}",
                object["status"]["message"].as_str().unwrap_or("no reason given")
            ));
        }
        // The shell, or both programs, are missing.
        Some(126..=128) => {
            return Err(format!(
                "the image of the test pod can't ask: {said}; set [validate] image in /etc/podlift/coordinator.toml to an image with a shell and nslookup that nodes have"
            ));
        }
        Some(_) => {}
    }
    let found = addresses(said);
    let addresses = match found.is_empty() {
        true => Err(said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("no answer").trim().to_string()),
        false => Ok(found),
    };
    let node = object["spec"]["nodeName"].as_str().unwrap_or("an unknown node");
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    Ok(Some(NameAnswer {
        name: NAME.into(),
        asked_from: format!("a test pod on {node}"),
        addresses,
        milliseconds,
    }))
}

/// From getent (`10.96.0.1 STREAM kubernetes…`) or nslookup (`Name: …` and then `Address: 10.96.0.1`).
fn addresses(said: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut named = false;
    for line in said.lines() {
        named |= line.starts_with("Name:");
        let first = line.split_whitespace().next().unwrap_or_default();
        let word = match line.strip_prefix("Address") {
            // nslookup shows the server's own address before the name.
            Some(_) if !named => continue,
            Some(rest) => {
                rest.split(':').nth(1).unwrap_or_default().split_whitespace().next().unwrap_or_default()
            }
            None => first,
        };
        if word.parse::<std::net::IpAddr>().is_ok() && !found.iter().any(|f| f == word) {
            found.push(word.into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_programs() {
        for (said, want) in [
            (
                "10.96.0.1       STREAM kubernetes.default.svc.cluster.local\n10.96.0.1       DGRAM\n",
                vec!["10.96.0.1"],
            ),
            (
                "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nName:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.1\n",
                vec!["10.96.0.1"],
            ),
            ("Name:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.1\n", vec!["10.96.0.1"]),
            (";; connection timed out; no servers could be reached\n", vec![]),
            (
                "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find kubernetes: NXDOMAIN\n",
                vec![],
            ),
            ("", vec![]),
        ] {
            assert_eq!(addresses(said), want, "{said}");
        }
    }

    fn pod(phase: &str, terminated: Value) -> Value {
        json!({"spec": {"nodeName": "dgx030"}, "status": {"phase": phase, "containerStatuses": [{"state": {"terminated": terminated}}]}})
    }

    #[test]
    fn a_query_without_an_answer_is_an_answer_and_a_program_that_is_missing_is_none() {
        let of = |object: Value| read(&object, Duration::from_millis(40));
        assert_eq!(of(json!({"status": {"phase": "Running"}})), Ok(None));
        let good =
            of(pod("Succeeded", json!({"exitCode": 0, "message": "10.96.0.1 STREAM k"}))).unwrap().unwrap();
        assert_eq!((good.addresses, good.milliseconds), (Ok(vec!["10.96.0.1".to_string()]), 40));
        assert_eq!(good.asked_from, "a test pod on dgx030");
        let late = of(pod(
            "Failed",
            json!({"exitCode": 1, "message": ";; connection timed out; no servers could be reached\n"}),
        ));
        assert_eq!(
            late.unwrap().unwrap().addresses.unwrap_err(),
            ";; connection timed out; no servers could be reached"
        );
        let none = of(pod("Failed", json!({"exitCode": 127, "message": "/bin/sh: not found"}))).unwrap_err();
        assert!(none.contains("[validate] image"), "{none}");
        assert!(
            of(json!({"status": {"phase": "Failed", "message": "Pod was active on the node longer"}}))
                .is_err()
        );
    }
}
