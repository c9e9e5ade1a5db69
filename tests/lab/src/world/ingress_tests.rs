use super::*;
use crate::world::{Shape, site};

const DOMAIN: &str = "superpod.example";

/// A World whose ingress serves a certificate of the site.
fn serving() -> std::sync::Arc<World> {
    let world = World::new(Shape::default());
    let (pair, now) = (certificates::site_for_years(&format!("*.{DOMAIN}")), world.clock.now());
    world.update(|s| site::ingress(&mut s.api, &world.shape, DOMAIN, &pair, now));
    world
}

/// The key of the pair that a client gets for a name; empty: no TLS.
fn shown(world: &World, name: &str) -> String {
    match world.ingress_answers(&world.shape.ingress_address(), name) {
        Answer::Serves(pair, _) => pair.key,
        _ => String::new(),
    }
}

fn lose(world: &World, (namespace, name): (&str, &str)) {
    world.update(|s| s.api.delete(&Key::new("", "secrets", namespace, name))).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_certificate_follows_the_secret_of_the_host_then_the_default_then_the_controllers_own() {
    let world = serving();
    let (host, good) = (format!("runai.{DOMAIN}"), certificates::site_for_years(&format!("*.{DOMAIN}")).key);
    assert_eq!(shown(&world, &host), good);
    lose(&world, ("runai", "runai-backend-tls"));
    assert_eq!(shown(&world, &host), good, "the default certificate is the same one");
    lose(&world, DEFAULT_SECRET);
    for controller in [Controller::IngressNginx, Controller::Haproxy, Controller::Traefik] {
        world.update(|s| s.ingress.controller = controller);
        assert_eq!(shown(&world, &host), controller.own_certificate().key, "{controller:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_without_its_service_resets() {
    let world = serving();
    let key = Key::new("", "services", "ingress-nginx", "ingress-nginx-controller");
    world.update(|s| s.api.delete(&key)).unwrap();
    let met = world.ingress_answers(&world.shape.ingress_address(), "runai.superpod.example");
    assert!(matches!(met, Answer::Resets), "{met:?}");
}

#[tokio::test(start_paused = true)]
async fn other_modes_speak_no_tls() {
    let world = serving();
    for mode in [Mode::Silent, Mode::Resets, Mode::PlainHttp] {
        world.update(|s| s.ingress.mode = mode);
        assert_eq!(shown(&world, "runai.superpod.example"), "", "{mode:?}");
    }
}
