//! A real process that undoes repairs, and the kernel that names it.

use super::*;
use std::io::Write as _;
use std::process::{Command, Stdio};

#[tokio::test]
async fn the_process_that_undoes_repairs_is_named() {
    let mut node = Node::new();
    node.settings.fight_limit = 3;
    node.settings.tick = Duration::from_millis(200);
    let (heal, task) = watched(node.heal()).await;
    node.write(Path::new("/etc/kubernetes/broken"), EMPTY_API);
    // Breaks the manifest once for each line that it is told.
    let script =
        "while read _; do text=$(cat broken); printf '%s\\n' \"$text\" > manifests/kube-apiserver.yaml; done";
    let mut child = Command::new("sh")
        .args(["-c", script])
        .current_dir(node.at("/etc/kubernetes"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut undo = child.stdin.take().unwrap();
    for _ in 0..3 {
        writeln!(undo, "again").unwrap();
        healed(&heal).await;
    }
    writeln!(undo, "again").unwrap();
    let fight = || heal.facts().files.into_iter().find_map(|file| file.fight);
    let started = std::time::Instant::now();
    while fight().is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "no fight was seen: {:?}", heal.findings());
        tokio::task::yield_now().await;
    }
    let by = fight().unwrap().by;
    assert!(by.contains(&format!("pid {} `sh -c", child.id())), "{by}");
    drop(undo);
    child.wait().unwrap();
    task.abort();
}
