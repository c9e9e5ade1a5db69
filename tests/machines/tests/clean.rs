//! An owner that gets SIGKILL in the middle leaves nothing of its machines.
#![allow(clippy::disallowed_methods)] // it spawns that owner

use podlift_machines::{clean, scratch, up};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_killed_owner_leaves_nothing() {
    up::prepare().unwrap_or_else(|error| panic!("{error:#}"));
    let mut owner = Command::new(env!("CARGO_BIN_EXE_podlift-machines"));
    let mut owner = owner.arg("up").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut enter = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut enter).unwrap();
    assert!(enter.starts_with("nsenter -t "), "no machine came up: {enter:?}");
    let said: Vec<String> = BufReader::new(owner.stderr.take().unwrap()).lines().take(2).flatten().collect();
    let said = said.join(" ");
    let name = said.split('/').find(|w| w.starts_with(scratch::PREFIX)).expect("its folder").to_string();
    let mine = || clean::left(&scratch::base()).into_iter().filter(|l| l.contains(&name)).collect::<Vec<_>>();
    assert!(mine().len() > 2, "there is nothing that could be left: {:?}", mine());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let since = Instant::now();
    while !mine().is_empty() && since.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(mine(), Vec::<String>::new());
}
