//! A collector that takes connections and never says a word: nothing waits for it. One test, because a process has one subscriber.
#![allow(clippy::unwrap_used)] // a test may panic

use podlift_common::telemetry::{self, LogFormat, Service};
use podlift_tests::collector::runtime;
use podlift_tests::sabotage::Sabotage;
use podlift_tests::{paused, promises};
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_collector_that_hangs_holds_up_neither_ops_nor_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime = runtime();
    let telemetry = {
        let _within = runtime.enter();
        let endpoint = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let service = Service { name: "podlift-test", version: "1" };
        telemetry::start("error", LogFormat::Text, service, Some(&endpoint))
    };
    // The clock of the run is paused: whatever waited for the collector would be seen as real time.
    let began = Instant::now();
    assert_eq!(paused(promises::the_bad_night_does_not_happen(Sabotage::None)), Ok(()));
    let run = began.elapsed();
    let ending = Instant::now();
    telemetry.flush();
    assert!(ending.elapsed() < Duration::from_secs(4), "the end took {:?}", ending.elapsed());
    assert!(run < Duration::from_secs(60), "the run took {run:?}");
    let dialled = silent.set_nonblocking(true).and_then(|()| silent.accept());
    assert!(dialled.is_ok(), "no client dialled the collector: the test proves nothing");
}
