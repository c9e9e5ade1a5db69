use super::*;
use crate::objects::Key;
use crate::world::Shape;
use crate::world::ingress::{Controller, DEFAULT_SECRET, Mode};
use podlift_coordinator::cluster::{Certificates as _, Handshake};
use podlift_engine::survey::Certificate;
use podlift_model::survey::Seen;
use std::time::Duration;

const HOST: &str = "runai.superpod.example";

/// A World whose ingress listens, and where.
async fn listening(network: &str) -> (Arc<World>, String, JoinSet<()>) {
    podlift_common::tls::install_provider();
    let world = World::new(Shape { network: network.into(), ..Shape::default() });
    let listener = TcpListener::bind((world.shape.ingress_address(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (pair, now) = (certificates::site_for_years(&format!("*.{DOMAIN}")), world.clock.now());
    world.update(|s| site::ingress(&mut s.api, &world.shape, DOMAIN, &pair, now));
    let mut tasks = JoinSet::new();
    tasks.spawn(keep(world.clone(), listener));
    (world, address, tasks)
}

async fn seen(address: &str) -> Seen<Certificate> {
    Handshake::new(Duration::from_millis(300)).served(address, HOST).await
}

#[tokio::test]
async fn what_is_presented_follows_the_secrets() {
    let (world, address, _tasks) = listening("127.71.1").await;
    assert_eq!(seen(&address).await.unwrap().subject, format!("CN=*.{DOMAIN}"));
    for (namespace, name) in [("runai", "runai-backend-tls"), DEFAULT_SECRET] {
        world.update(|s| s.api.delete(&Key::new("", "secrets", namespace, name))).unwrap();
    }
    for (controller, subject) in [
        (Controller::IngressNginx, "Kubernetes Ingress Controller Fake Certificate"),
        (Controller::Haproxy, "ingress.local"),
        (Controller::Traefik, "TRAEFIK DEFAULT CERT"),
    ] {
        world.update(|s| s.ingress.controller = controller);
        let certificate = seen(&address).await.unwrap();
        assert!(certificate.subject.contains(subject), "{certificate:?}");
    }
}

#[tokio::test]
async fn an_ingress_that_is_silent_resets_or_speaks_http_presents_nothing() {
    let (world, address, _tasks) = listening("127.71.2").await;
    for (mode, reason) in
        [(Mode::Silent, "no-answer:"), (Mode::Resets, "reset:"), (Mode::PlainHttp, "not-tls:")]
    {
        world.update(|s| s.ingress.mode = mode);
        let why = seen(&address).await.unwrap_err();
        assert!(why.starts_with(reason), "{mode:?}: {why}");
    }
}

#[tokio::test]
async fn an_expired_certificate_has_an_expired_chain() {
    let (world, address, _tasks) = listening("127.71.3").await;
    world.new_tls_secret("runai", "runai-backend-tls", &format!("*.{DOMAIN}"), -30);
    let certificate = seen(&address).await.unwrap();
    assert!(certificate.not_after < world.clock.now(), "{certificate:?}");
    assert_eq!(certificate.chain.len(), 1, "{certificate:?}");
    assert_eq!(certificate.chain[0].not_after, certificate.not_after);
}

#[tokio::test]
async fn the_page_of_run_ai_has_a_status_and_a_title() {
    let (world, address, _tasks) = listening("127.71.4").await;
    let page =
        || async { Handshake::new(Duration::from_secs(5)).page(&address, HOST).await.unwrap().unwrap() };
    let seen = page().await;
    assert_eq!((seen.status, seen.title.as_str()), (200, "NVIDIA Run:ai"));
    world.update(|s| s.ingress.page.status = 503);
    assert_eq!(page().await.status, 503);
}
