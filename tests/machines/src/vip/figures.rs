//! The figures of a run behind the proxies as one JSON object, with the keys of `podlift-lab bench vip --json`.

use super::Counts;
use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds for which one API server took no new connection of other machines: from the end of `step-aside` to the end of `step-back`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Away {
    /// While kubeadm upgrades its static pods.
    pub pass_1_s: f64,
    /// While its kubelet restarts.
    pub pass_2_s: f64,
}

/// `requests` and `failed` are the sums of both proxies, `longest_gap_ms` is the longest of both.
pub fn figures(counts: &[Counts], away: &BTreeMap<String, Away>, run: Duration) -> Value {
    let of = |c: &Counts| json!({"requests": c.requests, "failed": c.failed, "longest_gap_ms": c.longest_gap.as_millis()});
    let passes = |a: &Away| json!({"pass_1_s": a.pass_1_s, "pass_2_s": a.pass_2_s});
    let away: BTreeMap<&String, Value> = away.iter().map(|(node, a)| (node, passes(a))).collect();
    let proxies: BTreeMap<&str, Value> = counts.iter().map(|c| (c.proxy, of(c))).collect();
    json!({
        "tier": "machines",
        "requests": counts.iter().map(|c| c.requests).sum::<u64>(),
        "failed": counts.iter().map(|c| c.failed).sum::<u64>(),
        "longest_gap_ms": counts.iter().map(|c| c.longest_gap.as_millis()).max(),
        "away_s": away,
        "proxies": proxies,
        "run_s": tenths(run.as_secs_f64()),
    })
}

/// By the records of a run: each API server stepped aside once in both passes, and came back.
pub fn away(records: &[Value], nodes: &[&str]) -> anyhow::Result<BTreeMap<String, Away>> {
    let of = |node: &&str| {
        let pass_1_s = seconds(records, &format!("control-plane/{node}"))?;
        let pass_2_s = seconds(records, &format!("kubelets/{node}"))?;
        Ok((node.to_string(), Away { pass_1_s, pass_2_s }))
    };
    nodes.iter().map(of).collect()
}

fn seconds(records: &[Value], lane: &str) -> anyhow::Result<f64> {
    let (aside, back) = (changed(records, lane, "step-aside")?, changed(records, lane, "step-back")?);
    ensure!(back >= aside, "{lane} stepped back at {back}, before it stepped aside at {aside}");
    Ok(tenths(back.duration_since(aside).as_secs_f64()))
}

/// When the op of this step ended with a change. Exactly one record has to say so.
fn changed(records: &[Value], lane: &str, verb: &str) -> anyhow::Result<Timestamp> {
    let step = format!("{lane}/{verb}");
    let is = |r: &&Value| {
        r["event"] == "op-ended" && r["step"] == step && r["outcome"]["output"]["kind"] == "changed"
    };
    let ended: Vec<&Value> = records.iter().filter(is).collect();
    ensure!(ended.len() == 1, "{step} changed its node {} times, expected once: {ended:?}", ended.len());
    let at = ended[0]["at"].as_str().with_context(|| format!("the record of {step} has no time"))?;
    Ok(at.parse()?)
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(at: &str, step: &str, kind: &str) -> Value {
        json!({"event": "op-ended", "at": at, "step": step, "outcome": {"result": "done", "output": {"kind": kind}}})
    }

    #[test]
    fn the_keys_are_those_of_the_labs_bench() {
        let counts = |proxy, failed, gap| Counts {
            proxy,
            requests: 300,
            failed,
            longest_gap: Duration::from_millis(gap),
            why: vec![],
        };
        let away = BTreeMap::from([("cp1".to_string(), Away { pass_1_s: 9.5, pass_2_s: 4.0 })]);
        let all =
            figures(&[counts("nginx", 0, 140), counts("haproxy", 1, 90)], &away, Duration::from_secs(120));
        let want = json!({
            "tier": "machines", "requests": 600, "failed": 1, "longest_gap_ms": 140,
            "away_s": {"cp1": {"pass_1_s": 9.5, "pass_2_s": 4.0}},
            "proxies": {
                "nginx": {"requests": 300, "failed": 0, "longest_gap_ms": 140},
                "haproxy": {"requests": 300, "failed": 1, "longest_gap_ms": 90},
            },
            "run_s": 120.0,
        });
        assert_eq!(all, want);
    }

    #[test]
    fn an_api_server_is_away_between_its_two_ops_in_both_passes() {
        let mut records = vec![
            ended("2026-11-22T02:00:01Z", "control-plane/cp1/step-aside", "changed"),
            ended("2026-11-22T02:00:10.25Z", "control-plane/cp1/step-back", "changed"),
            ended("2026-11-22T02:01:00Z", "kubelets/cp1/step-aside", "changed"),
            ended("2026-11-22T02:01:04Z", "kubelets/cp1/step-back", "changed"),
            ended("2026-11-22T02:01:05Z", "kubelets/cp2/step-back", "changed"),
        ];
        let seen = away(&records, &["cp1"]).unwrap();
        assert_eq!(seen["cp1"], Away { pass_1_s: 9.3, pass_2_s: 4.0 });
        let missing = away(&records, &["cp2"]).unwrap_err().to_string();
        assert!(missing.contains("control-plane/cp2/step-aside changed its node 0 times"), "{missing}");
        records.push(ended("2026-11-22T02:02:00Z", "kubelets/cp1/step-back", "changed"));
        assert!(away(&records, &["cp1"]).unwrap_err().to_string().contains("2 times"));
    }
}
