//! What happened, in five sentences.

use crate::render::{duration, numbers, reads, timestamp};
use maud::{Markup, html};
use podlift_engine::doors::VIP;
use podlift_engine::program::GoalName;
use podlift_engine::view::{InterruptedJob, Report};
use podlift_model::{agree, count};

pub(super) fn story(r: &Report) -> Markup {
    html! {
        section {
            h2 { "What happened" }
            ol.story { @for line in lines(r) { li { (line) } } }
        }
    }
}

/// Each sentence has its own subject, so that the absence of a fact is said and not left out.
pub(super) fn lines(r: &Report) -> [String; 5] {
    [course(r), fleet(r), servers(r), jobs(r), repaired(r)]
}

fn course(r: &Report) -> String {
    let what = match r.goal {
        GoalName::Upgrade => format!("The upgrade from {} to {}", r.from, r.to),
        GoalName::Repair => format!("The repair at {}", r.to),
    };
    let took = duration(r.seconds);
    match (r.result.as_str(), r.ended_at) {
        ("succeeded", Some(end)) => format!("{what} succeeded at {} after {took}.", timestamp(end)),
        ("aborted", Some(end)) => {
            let back = count(r.undone.len(), "change");
            format!(
                "{what} was aborted at {} after {took}; the abort took back {back} and left {} in place.",
                timestamp(end),
                r.left.len()
            )
        }
        (result, _) => format!("{what} is {result}; it began {took} before this report."),
    }
}

fn fleet(r: &Report) -> String {
    let of = |result: &str| r.nodes.iter().filter(|n| n.result == result).count();
    let all = r.nodes.len();
    let parts: Vec<String> =
        ["upgraded", "at-target", "unfinished", "failed", "deferred", "lost", "untouched"]
            .into_iter()
            .filter(|result| of(result) > 0)
            .map(|result| format!("{} {}", of(result), result.replace("at-target", "at the target before")))
            .collect();
    format!("Of {}, {}.", count(all, "node"), parts.join(", "))
}

fn servers(r: &Report) -> String {
    let away = r.api_outage.vip_seconds;
    match r.api_outage.reads.get(VIP) {
        Some(seen) => format!("The API was away for {away:.1} s at the shared address: {}.", reads(seen)),
        None => {
            "The shared address of the API was not read during the run, so its outage is not known.".into()
        }
    }
}

fn jobs(r: &Report) -> String {
    // A job with 0 times has gone on with fewer pods.
    let hit: Vec<&InterruptedJob> = r.interrupted.iter().filter(|job| job.times > 0).collect();
    let hours: f64 = hit.iter().map(|job| job.gpu_hours).sum();
    match hit.len() {
        0 if r.batches.is_empty() => "No worker was drained.".into(),
        0 => "No job was interrupted.".into(),
        jobs => {
            let twice = hit.iter().filter(|job| job.times > 1).count();
            format!(
                "{} with {} of work {} interrupted, {twice} of them more than once.",
                count(jobs, "job"),
                numbers::gpu_hours(hours),
                agree(jobs, "was", "were")
            )
        }
    }
}

fn repaired(r: &Report) -> String {
    let compared = match &r.differences {
        None => "the cluster is not compared with the record of before yet".to_string(),
        Some(found) if found.is_empty() => "nothing that was recorded before is different now".into(),
        Some(found) => format!("{} from the record of before", count(found.len(), "difference")),
    };
    let met = match r.issues.len() {
        0 => String::new(),
        met => {
            let done = r.issues.iter().filter(|row| row.done.is_some()).count();
            format!("{done} of {} of known issues repaired, ", count(met, "object"))
        }
    };
    format!(
        "{} prevented, {} repaired by the agents, {met}{compared}.",
        count(r.prevented.len(), "known problem"),
        count(r.heals.len(), "manifest")
    )
}
