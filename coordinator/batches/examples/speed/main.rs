//! How long a decision and a forecast take, in milliseconds: `cargo run --release -p podlift-batches --example speed`.

mod large;

use podlift_batches::{decide, forecast};
use std::time::Instant;

const TIMES: usize = 21;

fn main() {
    let fleet = large::Large::new(2_000, 3_000, 50_000);
    println!("2000 nodes, 3000 gangs, 50000 pods; the median and the slowest of {TIMES}");
    for limit in [1, 20, 200] {
        let scene = fleet.scene(limit);
        measure(&format!("decide, {limit} may be unavailable"), || drop(decide(&scene)));
        measure(&format!("forecast, {limit} may be unavailable"), || drop(forecast(&scene)));
    }
}

fn measure(what: &str, run: impl Fn()) {
    let time = || {
        let begun = Instant::now();
        run();
        begun.elapsed().as_secs_f64() * 1000.0
    };
    let mut times: Vec<f64> = (0..TIMES).map(|_| time()).collect();
    times.sort_by(f64::total_cmp);
    println!("{what:40} {:8.1} ms {:8.1} ms", times[TIMES / 2], times[TIMES - 1]);
}
