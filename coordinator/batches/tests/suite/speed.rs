//! A generous bound on the time of a decision. The figures are printed by `cargo run --release -p podlift-batches --example speed`.

#[path = "../../examples/speed/large.rs"]
mod large;

use podlift_batches::{Decision, decide, forecast};
use std::time::{Duration, Instant};

#[test]
fn thousands_of_nodes_are_decided_at_once() {
    let fleet = large::Large::new(2_000, 3_000, 50_000);
    let begun = Instant::now();
    let Decision::Take(batch) = decide(&fleet.scene(100)) else { panic!("nothing is taken") };
    let decided = begun.elapsed();
    assert!(!batch.nodes.is_empty() && batch.nodes.len() <= 100);
    assert!(decided < Duration::from_secs(1), "{decided:?}, expected less than 50 ms when optimised");
    for limit in [1, 100] {
        let begun = Instant::now();
        let forecast = forecast(&fleet.scene(limit));
        let took = begun.elapsed();
        let nodes: usize = forecast.batches.iter().map(|planned| planned.batch.nodes.len()).sum();
        assert_eq!(nodes, 2_000);
        assert!(took < Duration::from_secs(20), "{took:?}, expected less than 1 s when optimised");
    }
}
