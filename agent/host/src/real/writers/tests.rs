//! The kernel identifies writers. Needs root: without CAP_SYS_ADMIN the kernel identifies none.
#![allow(clippy::disallowed_methods)] // another process writes here

use super::*;
use std::process::Command;

#[test]
fn another_process_is_named_and_our_own_writes_are_not() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "this test needs root: fanotify names processes only to CAP_SYS_ADMIN"
    );
    let dir = tempfile::tempdir().unwrap();
    let mut fan = Fan::arm(dir.path()).unwrap();
    std::fs::write(dir.path().join("own.yaml"), b"1").unwrap();
    // It still runs when it is looked up: it waits for its standard input to end.
    let script = "echo x > t; mv t a.yaml; exec 1>&-; read _";
    let mut child = Command::new("sh")
        .args(["-c", script])
        .current_dir(dir.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The shell closes its stdout when it is done.
    std::io::copy(&mut child.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
    let seen = fan.seen();
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(seen.iter().all(|w| w.name != "own.yaml"), "{seen:?}");
    let by = |name: &str| seen.iter().find(|w| w.name == name).map(|w| w.by.as_ref());
    assert!(by("t").unwrap().is_ok_and(|shell| shell.command.starts_with("sh -c")), "{seen:?}");
    // `mv` has ended by now, but its change is still reported.
    assert!(by("a.yaml").is_some(), "{seen:?}");
    assert_eq!(fan.seen(), [], "told once");
}

#[test]
fn what_is_not_possible_is_said_in_the_kernels_words() {
    let missing = Fan::arm(Path::new("/none/such")).err().unwrap();
    assert_eq!(missing.to_string(), "fanotify: No such file or directory");
}
