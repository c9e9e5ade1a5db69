#![allow(clippy::disallowed_methods)] // a test writes files

use super::super::front::{self, Bind};
use super::super::pki::{self, ClusterPki};
use crate::world::{Shape, World};
use podlift_agent::host::{ClientPair, Http, HttpTls, real};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;

fn pki() -> ClusterPki {
    pki::make(&["127.0.0.1".parse().unwrap()]).unwrap()
}

/// Its pair in the folder, asked with.
fn pair(root: &Path, of: &ClusterPki, name: &str, tls: &HttpTls) -> HttpTls {
    let made = of.client("system:node:cp", "system:nodes").unwrap();
    let path = format!("/{name}.pem");
    std::fs::write(root.join(&path[1..]), made.certificate + &made.key).unwrap();
    tls.clone().with_client(Some(ClientPair { certificate: path.clone().into(), key: path.into() }))
}

async fn asked(http: &Arc<dyn Http>, endpoint: &str, tls: &HttpTls) -> u16 {
    http.get(endpoint, "/readyz", tls).await.unwrap().0
}

#[tokio::test]
async fn ours_is_known_and_one_of_another_ca_is_refused_whatever_anonymous_may_do() {
    let world = World::new(Shape { control_planes: vec!["cp".into()], workers: vec![], ..Shape::default() });
    world.start();
    let cluster = pki();
    let (send, mut opened) = unbounded_channel();
    let bind: Bind = Arc::new(move |_, _| {
        let send = send.clone();
        Box::pin(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            send.send(listener.local_addr()?).unwrap();
            Ok(listener)
        })
    });
    tokio::spawn(front::keep(
        world.clone(),
        "cp".into(),
        cluster.tls.clone(),
        bind,
        super::super::own::everyone(),
    ));
    let endpoint = opened.recv().await.unwrap().to_string();
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("ca.crt"), &cluster.ca).unwrap();
    let nobody = HttpTls::ca("/ca.crt");
    let ours = pair(root.path(), &cluster, "ours", &nobody);
    let strange = pair(root.path(), &pki(), "strange", &nobody);
    let http = real::host(root.path(), &[]).unwrap().http;
    let all = [&nobody, &ours, &strange];
    for (anonymous, want) in [("true", [200, 200, 401]), ("false", [401, 200, 401])] {
        world.update(|s| {
            let servers = s.node_mut("cp").containers.iter_mut().filter(|c| c.name == "kube-apiserver");
            servers.for_each(|c| c.args.push(format!("--anonymous-auth={anonymous}")));
        });
        for (tls, want) in all.iter().zip(want) {
            assert_eq!(asked(&http, &endpoint, tls).await, want, "anonymous {anonymous}: {tls:?}");
        }
    }
}
