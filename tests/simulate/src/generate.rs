//! Jobs that look like those of shared GPU clusters. The parameters are chosen here and are not fitted to one cluster. Their shape is what
//! these studies of public traces report:
//!
//! - Most jobs are small and short, while a few large ones use most of the GPU time; lengths have a heavy tail; gangs are scheduled as a
//!   whole: Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads", USENIX ATC 2019 (Microsoft Philly:
//!   117,325 jobs, August to December 2017, <https://github.com/msr-fiddle/philly-traces>).
//! - The same, with sizes in powers of two and fewer submissions at night and at weekends: Hu et al., "Characterization and Prediction of
//!   Deep Learning Workloads in Large-Scale GPU Datacenters", SC 2021 (SenseTime Helios: 1,580,464 GPU jobs in six months on four clusters,
//!   <https://github.com/S-Lab-System-Group/HeliosData>).
//! - Gangs, and a skewed load on a cluster of 6,742 GPUs: Weng et al., "MLaaS in the Wild", USENIX NSDI 2022 (Alibaba PAI, two months,
//!   <https://github.com/alibaba/clusterdata>).

use crate::chance::Chance;
use crate::trace::{FleetSpec, Generate, Job};

const DAY: f64 = 86_400.0;

/// GPUs of a job, and how often such jobs come.
const SIZES: [(u32, f64); 8] =
    [(1, 50.0), (2, 13.0), (4, 12.0), (8, 17.0), (16, 4.0), (32, 2.5), (64, 1.2), (128, 0.3)];

/// No job is longer than two weeks.
const LONGEST: f64 = 14.0 * DAY;

/// The median length in seconds of jobs of that size, and the deviation of its logarithm. Lengths are log-normal.
fn length(gpus: u32) -> (f64, f64) {
    match gpus {
        0..8 => (600.0, 2.0),
        8..32 => (2_400.0, 2.0),
        32.. => (14_400.0, 1.6),
    }
}

/// How many jobs come at that second, compared with the busiest hours. Second 0 is a Monday at midnight.
fn rhythm(second: f64) -> f64 {
    let hour = second % DAY / 3600.0;
    let by_day = if (9.0..21.0).contains(&hour) { 1.0 } else { 0.4 };
    let weekend = second / DAY % 7.0 >= 5.0;
    by_day * if weekend { 0.6 } else { 1.0 }
}

impl Generate {
    /// The jobs in the order of their submission.
    pub(crate) fn jobs(&self, fleet: &FleetSpec) -> Vec<Job> {
        let sizes = self.sizes(fleet);
        let mut chance = Chance(self.seed);
        let gpus = fleet.nodes as f64 * f64::from(fleet.gpus_per_node);
        // The rate of the busiest hours, so that the mean over a week asks for the load.
        let rate = self.load * gpus / (mean_work(&sizes, self.seed) * mean_rhythm());
        let end = f64::from(self.days) * DAY;
        let mut jobs = vec![];
        let mut second = 0.0;
        loop {
            second += chance.gap(rate);
            if second >= end {
                return jobs;
            }
            if chance.part() >= rhythm(second) {
                continue;
            }
            let Some(gpus) = chance.pick(&sizes) else { return jobs };
            jobs.push(Job {
                id: format!("job-{:06}", jobs.len()),
                submit: second as u64,
                gpus,
                seconds: draw(gpus, &mut chance) as u64,
                preemptible: chance.part() < self.preemptible,
            });
        }
    }

    /// The sizes that the fleet has: at most a node's GPUs, or whole nodes.
    fn sizes(&self, fleet: &FleetSpec) -> Vec<(u32, f64)> {
        let node = fleet.gpus_per_node;
        let fits = |gpus: u32| gpus <= self.max_gpus && (gpus <= node || gpus.is_multiple_of(node));
        SIZES.into_iter().filter(|(gpus, _)| fits(*gpus)).collect()
    }
}

fn draw(gpus: u32, chance: &mut Chance) -> f64 {
    let (median, deviation) = length(gpus);
    (median * (deviation * chance.normal()).exp()).clamp(30.0, LONGEST)
}

/// The mean GPU-seconds of a job, from many draws, because lengths have a limit.
fn mean_work(sizes: &[(u32, f64)], seed: u64) -> f64 {
    let mut chance = Chance(!seed);
    let weights: f64 = sizes.iter().map(|(_, weight)| weight).sum();
    let draws = 20_000;
    let mean = |gpus: u32, chance: &mut Chance| {
        (0..draws).map(|_| draw(gpus, chance)).sum::<f64>() / f64::from(draws)
    };
    sizes.iter().map(|(gpus, weight)| f64::from(*gpus) * mean(*gpus, &mut chance) * weight / weights).sum()
}

fn mean_rhythm() -> f64 {
    let minutes = 7 * 24 * 60;
    (0..minutes).map(|minute| rhythm(f64::from(minute) * 60.0)).sum::<f64>() / f64::from(minutes)
}
