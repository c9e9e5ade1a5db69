//! CMDaemon's JSON API: the calls that podlift uses, errors by their codes, and the connection that wants a certificate.

use super::{NEW, cmsh, prepared, well, world};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use podlift_lab::World;
use podlift_lab::cmdaemon::Cmdaemon;
use podlift_lab::doubles::bcm::api;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const ZERO: &str = "00000000-0000-0000-0000-000000000000";

fn text(service: &str, call: &str, args: &Value) -> String {
    json!({"service": service, "call": call, "args": args, "minify": true}).to_string()
}

fn ask(world: &Arc<World>, service: &str, call: &str, args: &Value) -> Value {
    let (status, body) = api::answer(world, true, api::PATH, &text(service, call, args));
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"))
}

fn uuid(list: &Value, field: &str, name: &str) -> String {
    let found = list.as_array().unwrap().iter().find(|v| v[field] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))["uuid"].as_str().unwrap().into()
}

fn status(world: &Arc<World>) -> Value {
    ask(world, "cmprov", "getProvisioningStatus", &json!([[]]))
}

#[tokio::test(start_paused = true)]
async fn a_request_is_listed_until_it_is_over_whatever_became_of_it() {
    let world = world();
    prepared(&world).await;
    well(cmsh(&world, "softwareimage; updateprovisioners").await);
    well(cmsh(&world, &format!("device use dgx030; set softwareimage {NEW}; commit")).await);
    let node = uuid(&ask(&world, "cmdevice", "getNodes", &json!([])), "hostname", "dgx030");
    let image = uuid(&ask(&world, "cmpart", "getSoftwareImages", &json!([])), "name", NEW);
    for (failing, ends) in [(0, "1.32.9-1.1"), (9, "1.31.9-1.1")] {
        world.update(|s| {
            s.node_mut("dgx030").packages.get_mut("kubelet").unwrap().version = "1.31.9-1.1".into()
        });
        world.bcm(|b| b.failing_attempts = [("dgx030".to_string(), failing)].into());
        let asked = ask(&world, "cmprov", "imageUpdate", &json!([[node, ZERO], false, ZERO, [], []]));
        let [request, none] = asked.as_array().unwrap().as_slice() else { panic!("{asked}") };
        assert_eq!(none, ZERO, "a node that there is none of");
        let list = status(&world)["provisioningRequestStatusList"].clone();
        assert_eq!(list, json!([]), "reads are some seconds behind");
        tokio::time::sleep(Duration::from_secs(5)).await;
        let list = status(&world)["provisioningRequestStatusList"].clone();
        let own = &list[0];
        assert_eq!(
            (&own["request_uuids"], &own["destinationNode"], own["dryRun"].as_bool()),
            (&json!([request]), &json!(node), Some(false))
        );
        assert_ne!(own["sourceNode"], ZERO, "it is served");
        if failing > 0 {
            world.until(|s| s.bcm.requests.values().any(|r| r.failures == 2)).await;
            let own = status(&world)["provisioningRequestStatusList"][0].clone();
            assert_eq!(own["jobFailureCounter"], 2);
            assert!(own["errorMessage"].as_str().unwrap().contains("23"), "{own}");
        }
        world.until(|s| s.bcm.requests.is_empty()).await;
        let gone = status(&world);
        assert_eq!(gone["provisioningRequestStatusList"], json!([]));
        let serving = gone["provisioningNodeStatusList"].as_array().unwrap();
        let place =
            serving[0]["ref_image_uuids"].as_array().unwrap().iter().position(|i| *i == image).unwrap();
        assert!(serving.iter().all(|p| p["upToDate"][place] == true && p["slotsUsed"] == 0), "{gone}");
        assert_eq!(world.lock().node("dgx030").packages["kubelet"].version, ends);
    }
    // Six attempts, of which the first is none that was tried again.
    assert_eq!(world.lock().bcm.switches.failing_attempts["dgx030"], 3);
}

#[tokio::test(start_paused = true)]
async fn errors_have_codes_and_an_unknown_call_has_no_answer() {
    let world = world();
    world.bcm(|b| b.restricted = ["cmkube".to_string(), "cmprov.imageUpdate".into()].into());
    let of = |client: bool, path: &str, body: &str| {
        let (_, body) = api::answer(&world, client, path, body);
        serde_json::from_str::<Value>(&body).map_or(Value::Null, |v| v["code"].clone())
    };
    let nodes = text("cmdevice", "getNodes", &json!([]));
    for (client, path, body, code) in [
        (true, api::PATH, "{", -98),
        (true, api::PATH, "{}", -98),
        (true, "/jsn", nodes.as_str(), -99),
        (false, api::PATH, nodes.as_str(), -97),
        (true, api::PATH, &text("cmkube", "getKubeClusters", &json!([])), 635),
        (true, api::PATH, &text("cmprov", "imageUpdate", &json!([[], true, ZERO, [], []])), 640),
    ] {
        assert_eq!(of(client, path, body), json!(code), "{path} {body}");
    }
    let unknown = api::answer(&world, true, api::PATH, &text("cmprov", "getEverything", &json!([])));
    assert_eq!(unknown, (200, String::new()));
}

/// One POST over TLS, with this pair.
async fn post(ca: &str, pair: Option<(&str, &str)>, address: &str, body: String) -> Result<String, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = match pair {
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            config
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let told = |e: &dyn std::fmt::Display| e.to_string();
    let tcp = tokio::net::TcpStream::connect(address).await.map_err(|e| told(&e))?;
    let name = "127.0.0.1".try_into().unwrap();
    let tls =
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|e| told(&e))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.map_err(|e| told(&e))?;
    tokio::spawn(connection);
    let request =
        http::Request::post("/json").header("host", address).body(Full::<Bytes>::from(body)).unwrap();
    let reply = sender.send_request(request).await.map_err(|e| told(&e))?;
    let bytes = reply.into_body().collect().await.map_err(|e| told(&e))?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn only_a_certificate_of_its_ca_is_let_in() {
    let world = World::new(podlift_lab::Shape { images: true, ..podlift_lab::Shape::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (own, other) =
        (Cmdaemon::new([127, 0, 0, 1].into()).unwrap(), Cmdaemon::new([127, 0, 0, 1].into()).unwrap());
    let (ca, client) = (own.ca.clone(), own.client.clone());
    tokio::spawn(async move { own.serve(world, listener).await });
    let body = text("cmdevice", "getNodes", &json!([]));
    let pair = Some((client.certificate.as_str(), client.key.as_str()));
    let list = post(&ca, pair, &address, body.clone()).await.unwrap();
    assert!(list.contains("\"hostname\":\"dgx030\""), "{list}");
    let strange = Some((other.client.certificate.as_str(), other.client.key.as_str()));
    for pair in [None, strange] {
        let refused = post(&ca, pair, &address, body.clone()).await;
        assert!(refused.is_err(), "{refused:?}");
    }
}
