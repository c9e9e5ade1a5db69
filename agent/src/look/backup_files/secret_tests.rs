//! Which data of a secret file leaves the node, and for which recipients.

use super::*;
use crate::node::Node;
use crate::testing::{Bench, exited};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

const KEY: &str = "/etc/kubernetes/pki/runaicluster/ca.key";

fn identity() -> age::x25519::Identity {
    age::x25519::Identity::generate()
}

fn node(content: &[u8], to: &[&age::x25519::Identity]) -> (Bench, Arc<Node>) {
    let mut bench = Bench::new(|_| exited(1, "")).control_plane();
    bench.files.put(KEY, content);
    let texts = to.iter().map(|who| who.to_public().to_string());
    bench.config.backup.recipients = texts.map(|text| text.parse().unwrap()).collect();
    let node = bench.node();
    (bench, node)
}

async fn ask(node: &Node, offset: u64, wanted: &[String]) -> Result<FilePart, Failure> {
    super::super::part(node, KEY, offset, wanted).await
}

/// All parts in sequence.
async fn fetch(node: &Node, wanted: &[String]) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let part = ask(node, all.len() as u64, wanted).await.unwrap();
        assert_eq!((part.path.as_str(), part.offset), (KEY, all.len() as u64));
        all.extend(STANDARD.decode(part.base64).unwrap());
        if part.last {
            return all;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_leaves_as_ciphertext_of_the_nodes_recipients() {
    let (ann, ben) = (identity(), identity());
    // More than one part, and no multiple of a chunk.
    let plain: Vec<u8> = (0..3_000_001u32).map(|i| (i % 251) as u8).collect();
    let (bench, node) = node(&plain, &[&ann, &ben]);
    let all = fetch(&node, &[]).await;
    assert!(all.starts_with(b"age-encryption.org/v1\n"));
    for who in [&ann, &ben] {
        assert_eq!(age::decrypt(who, &all).unwrap(), plain);
    }
    assert_eq!(bench.files.list(Path::new(SPOOL)).unwrap(), Vec::<String>::new(), "nothing is left");
    let only_ben = fetch(&node, &[ben.to_public().to_string()]).await;
    assert!(age::decrypt(&ben, &only_ben).is_ok() && age::decrypt(&ann, &only_ben).is_err());
}

#[tokio::test(start_paused = true)]
async fn another_recipient_or_none_is_refused_and_nothing_is_handed_out() {
    let (ann, thief) = (identity(), identity());
    let (_bench, with) = node(b"key", &[&ann]);
    let theirs = [ann.to_public().to_string(), thief.to_public().to_string()];
    let refused = ask(&with, 0, &theirs).await.unwrap_err();
    assert_eq!(refused.code, "recipient-unknown");
    assert!(refused.message.contains(&theirs[1]), "{refused:?}");
    let (_bench, without) = node(b"key", &[]);
    for wanted in [&theirs[..], &[]] {
        assert_eq!(ask(&without, 0, wanted).await.unwrap_err().code, "no-recipients");
    }
    let public = "/etc/kubernetes/manifests/kube-apiserver.yaml";
    assert!(super::super::part(&without, public, 0, &[]).await.is_ok(), "what is no secret needs nobody");
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_was_interrupted_begins_anew() {
    let ann = identity();
    let (bench, node) = node(&vec![7; 2_000_000], &[&ann]);
    assert_eq!(ask(&node, 768 << 10, &[]).await.unwrap_err().code, "begin-at-0");
    assert!(!ask(&node, 0, &[]).await.unwrap().last);
    assert_eq!(bench.files.list(Path::new(SPOOL)).unwrap().len(), 1);
    let again = bench.node();
    assert_eq!(bench.files.list(Path::new(SPOOL)).unwrap().len(), 0, "an agent that starts forgets it");
    assert_eq!(ask(&again, 768 << 10, &[]).await.unwrap_err().code, "begin-at-0");
}
