//! BCM's own state: a node's image, a category's, the version, and the kubeadm-config.

use super::fake::Fake;
use super::*;

const COPY: &str = "dgx-image-k8s-1.32.9";

fn assign(image: &str) -> BcmOp {
    BcmOp::AssignImage { node: "dgx030".parse().unwrap(), image: image.parse().unwrap() }
}

#[tokio::test(start_paused = true)]
async fn a_nodes_image_is_read_back() {
    let fake = Fake::new().with_clone(COPY);
    assert!(matches!(run(&fake, assign(COPY), no_unit).await, Ok(OpOutput::Changed(_))));
    assert!(matches!(run(&fake, assign(COPY), no_unit).await, Ok(OpOutput::Unchanged(_))));
    assert_eq!(code(&fake, assign("other"), no_unit).await, "bcm-missing");
    fake.state().silent = true;
    assert_eq!(code(&fake, assign("dgx-image"), no_unit).await, "bcm-no-effect");
}

#[tokio::test(start_paused = true)]
async fn a_node_follows_its_category_again() {
    let fake = Fake::new().with_clone(COPY);
    fake.state().nodes.insert("dgx030".into(), (COPY.into(), true));
    let follow = || BcmOp::FollowCategory { node: "dgx030".parse().unwrap() };
    assert!(matches!(run(&fake, follow(), no_unit).await, Ok(OpOutput::Changed(_))));
    assert!(!fake.state().nodes["dgx030"].1, "it has no value of its own");
    assert!(matches!(run(&fake, follow(), no_unit).await, Ok(OpOutput::Unchanged(_))));
    fake.state().nodes.insert("dgx030".into(), (COPY.into(), true));
    fake.state().silent = true;
    assert_eq!(code(&fake, follow(), no_unit).await, "bcm-no-effect");
}

fn category(nodes: &[&str]) -> BcmOp {
    BcmOp::CategoryImage {
        category: "dgx".parse().unwrap(),
        image: COPY.parse().unwrap(),
        nodes: nodes.iter().map(|n| n.parse().unwrap()).collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_category_gets_its_image_before_its_nodes_lose_theirs() {
    let fake = Fake::new().with_clone(COPY);
    fake.state().nodes.insert("dgx030".into(), (COPY.into(), true));
    assert!(matches!(run(&fake, category(&["dgx030", "dgx031"]), no_unit).await, Ok(OpOutput::Changed(_))));
    assert_eq!(fake.state().nodes["dgx030"], (COPY.to_string(), false));
    let calls = fake.commands.calls();
    let at = |words: &str| calls.iter().position(|c| c.contains(words)).unwrap();
    assert!(at("category use dgx; set") < at("clear softwareimage"));
    assert!(matches!(run(&fake, category(&["dgx030"]), no_unit).await, Ok(OpOutput::Unchanged(_))));
    assert_eq!(code(&fake, category(&["dgx099"]), no_unit).await, "invalid-request");
    let silent = Fake::new().with_clone(COPY);
    silent.state().silent = true;
    assert_eq!(code(&silent, category(&["dgx030"]), no_unit).await, "bcm-no-effect");
}

#[tokio::test(start_paused = true)]
async fn the_version_is_read_back() {
    let fake = Fake::new();
    let op = || BcmOp::ClusterVersion { version: "1.32.9-1.1".parse().unwrap() };
    fake.state().version = "no such version".into();
    assert!(matches!(run(&fake, op(), no_unit).await, Ok(OpOutput::Changed(_))));
    assert!(matches!(run(&fake, op(), no_unit).await, Ok(OpOutput::Unchanged(_))));
    fake.state().version = "1.31.9-1.1".into();
    fake.state().silent = true;
    assert_eq!(code(&fake, op(), no_unit).await, "bcm-no-effect");
}

#[tokio::test(start_paused = true)]
async fn bcm_learns_the_kubeadm_config_where_its_script_is() {
    let fake = Fake::new();
    let output = run(&fake, BcmOp::LearnKubeadmConfig, |spec| {
        assert_eq!(spec.args, ["--kube-cluster", "runaicluster", "update_configmap"]);
        (0, String::new())
    });
    assert!(matches!(output.await, Ok(OpOutput::Changed(_))));
    assert_eq!(code(&fake, BcmOp::LearnKubeadmConfig, |_| (1, "boom\n".into())).await, "bcm-no-effect");
    for said in [
        "Error: no such cluster\n",
        "Traceback (most recent call last):\n  File x\n",
        "x\nFailed to update\n",
    ] {
        let failure = run(&fake, BcmOp::LearnKubeadmConfig, |_| (0, said.into())).await.unwrap_err();
        assert_eq!(failure.code, "bcm-no-effect", "{said}");
        assert!(
            failure.message.contains(said.trim().lines().next_back().unwrap()) || said.starts_with("Trace"),
            "{}",
            failure.message
        );
    }
    fake.state().kubeadm_manage = false;
    assert_eq!(code(&fake, BcmOp::LearnKubeadmConfig, no_unit).await, "bcm-no-kubeadm-manage");
}
