//! The time of a decision for 2,000 nodes with 50,000 pods and 3,000 gangs: `cargo bench -p podlift-batches`. A decision must take less than
//! 50 ms, because the run decides whenever room appears. `tests/suite/speed.rs` holds it to that.

mod large;

use criterion::{Criterion, criterion_group, criterion_main};
use podlift_batches::{decide, forecast};

fn decisions(criterion: &mut Criterion) {
    let fleet = large::Large::new(2_000, 3_000, 50_000);
    for limit in [1, 20, 200] {
        criterion.bench_function(&format!("decide, {limit} may be unavailable"), |b| {
            b.iter(|| decide(&fleet.scene(limit)));
        });
    }
    let mut slow = criterion.benchmark_group("of the whole fleet");
    slow.sample_size(10);
    slow.bench_function("forecast, 20 may be unavailable", |b| b.iter(|| forecast(&fleet.scene(20))));
    slow.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
