//! Another folder in the place of the watched one.

use super::*;

#[tokio::test]
async fn a_folder_that_was_replaced_is_watched_anew() {
    let mut node = Node::new();
    node.settings.tick = Duration::from_millis(50);
    let (heal, task) = watched(node.heal()).await;
    for round in 0..3 {
        let old = node.at(format!("/etc/kubernetes/manifests.{round}"));
        std::fs::rename(node.at(paths::MANIFESTS), old).unwrap();
        std::fs::create_dir(node.at(paths::MANIFESTS)).unwrap();
        node.break_it();
        healed(&heal).await;
        assert!(node.is_healed(), "round {round}");
    }
    // The notices come from the new folder: no tick is waited for.
    while !heal.facts().watching {
        tokio::task::yield_now().await;
    }
    task.abort();
}

#[tokio::test]
async fn what_is_mounted_over_the_folder_is_what_is_watched() {
    let mut node = Node::new();
    node.settings.tick = Duration::from_millis(50);
    let (heal, task) = watched(node.heal()).await;
    let other = node.at("/etc/kubernetes/other");
    std::fs::create_dir(&other).unwrap();
    mount(Some(&other), &node.at(paths::MANIFESTS), none(), MsFlags::MS_BIND, none()).unwrap();
    node.break_it();
    healed(&heal).await;
    assert!(node.is_healed());
    assert_eq!(node.litter(), Vec::<String>::new(), "no rename leads out of a mount: it was done within");
    assert!(std::fs::read_to_string(other.join("kube-apiserver.yaml")).unwrap().contains(SERVERS));
    task.abort();
}
