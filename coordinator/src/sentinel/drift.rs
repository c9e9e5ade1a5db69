//! What a round looks at: the ConfigMaps that kubeadm writes from, API servers, agents, BCM's books, the known issues, and certificates that
//! end soon. Each scope has its own looks and its own rows.

use super::Sentinel;
use super::baseline::Baseline;
use super::look::{Round, Row};
use jiff::{SignedDuration, Timestamp};
use podlift_engine::Severity;
use podlift_engine::goals::site;
use podlift_engine::issues::{self, IssueName, Observed};
use podlift_engine::survey::{ClusterSurvey, ServedCertificate};
use podlift_engine::validate::Ends;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::{Failure, Look, NodeName, OpOutput, count};
use std::collections::BTreeMap;

/// First part of a row's name.
pub(super) type Scope = &'static str;

const CONFIG: Scope = "drift";
const API: Scope = "api";
const AGENTS: Scope = "agents";
const BCM: Scope = "bcm";
const CERTIFICATES: Scope = "certificates";
/// Of API servers, nodes and podlift; of ingresses are the others.
const OWN_CERTIFICATES: Scope = "certificates-of-cluster";
/// What all known issues are seen in.
const SURVEY: Scope = "survey";

/// Failures of an API server in a row from which it counts as not ready.
const FAILURES: u32 = 2;
/// Names that a sentence holds.
const NAMED: usize = 5;

/// What one round leaves for the next.
#[derive(Default)]
pub(super) struct Memory {
    failures: BTreeMap<String, u32>,
}

impl Sentinel {
    pub(super) async fn round(&self, baseline: &Baseline, memory: &mut Memory) -> Round {
        let mut round = Round::default();
        self.configs(baseline, &mut round).await;
        self.servers(baseline, memory, &mut round).await;
        self.agents(&mut round);
        self.books(baseline, &mut round).await;
        self.issues(baseline, &mut round).await;
        self.certificates(baseline, &mut round).await;
        round
    }

    /// A ConfigMap that was written after the run ended, by another writer than podlift.
    async fn configs(&self, baseline: &Baseline, round: &mut Round) {
        let Some(ended) = baseline.state().ended else { return };
        let mut managers = vec![];
        for (name, look) in
            [("kubeadm-config", ClusterLook::KubeadmConfig), ("kubelet-config", ClusterLook::KubeletConfig)]
        {
            match self.performer.cluster.look(&look).await {
                Ok(ClusterReply::KubeadmConfig(view)) => managers.push((name, view.managers)),
                Ok(ClusterReply::KubeletConfig(view)) => managers.push((name, view.managers)),
                other => return round.blind(CONFIG, reason(other)),
            }
        }
        round.looked(CONFIG);
        for (name, managers) in managers {
            if let Some((manager, at)) = managers.first().and_then(|text| written_after(text, ended)) {
                round.row(warning(
                    format!("{CONFIG}/{name}"),
                    format!("ConfigMap kube-system/{name} was written by {manager} at {at}, after run {} ended: the next kubeadm writes from it", baseline.state().run),
                    "podlift repair",
                ));
            }
        }
    }

    async fn servers(&self, baseline: &Baseline, memory: &mut Memory, round: &mut Round) {
        let endpoints = crate::exec::endpoints(&baseline.state().plan.inventory);
        let look = ClusterLook::ProbeApiServers { endpoints };
        let probes = match self.performer.cluster.look(&look).await {
            Ok(ClusterReply::Probes(probes)) => probes,
            other => return round.blind(API, reason(other)),
        };
        round.looked(API);
        for probe in probes {
            let failures = memory.failures.entry(probe.endpoint.clone()).or_default();
            *failures = if probe.ok { 0 } else { *failures + 1 };
            if *failures >= FAILURES {
                round.row(Row {
                    severity: Severity::Blocker,
                    ..warning(
                        format!("{API}/{}", probe.endpoint),
                        format!("API server {} is not ready: {}", probe.endpoint, probe.why),
                        "podlift validate",
                    )
                });
            }
        }
    }

    fn agents(&self, round: &mut Round) {
        round.looked(AGENTS);
        let now = self.clock.now();
        let old = SignedDuration::try_from(self.stale_after).unwrap_or(SignedDuration::MAX);
        let seen = self.performer.agents.seen();
        let silent = seen.iter().filter(|n| !n.connected || now.duration_since(n.at) > old);
        let mut silent: Vec<&NodeName> = silent.map(|n| &n.facts.node).collect();
        silent.sort();
        if !silent.is_empty() {
            let named: Vec<&str> = silent.iter().take(NAMED).map(|n| n.as_str()).collect();
            let more = silent.len().saturating_sub(NAMED);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            let what = format!("{} silent: {}{rest}", verb(silent.len()), named.join(", "));
            round.row(warning(format!("{AGENTS}/silent"), what, "podlift status"));
        }
    }

    /// The version in BCM's books against that of the run.
    async fn books(&self, baseline: &Baseline, round: &mut Round) {
        let Some(head) = &self.performer.head else { return };
        let version = match self.performer.agents.observe(head, &Look::BcmClusterVersion).await {
            Ok(OpOutput::BcmClusterVersion(version)) => version,
            other => return round.blind(BCM, reason(other)),
        };
        round.looked(BCM);
        let want = baseline.state().plan.to();
        if version.kube != want {
            let what = format!(
                "BCM's books have version {version} of the cluster, and run {} brought it to {want}",
                baseline.state().run
            );
            round.row(warning(format!("{BCM}/version"), what, "podlift validate --only bcm"));
        }
    }

    /// One part that could not be seen clears no row.
    async fn certificates(&self, baseline: &Baseline, round: &mut Round) {
        let planes = baseline.state().plan.inventory.control_planes();
        let planes: Vec<NodeName> = planes.map(|node| node.name.clone()).collect();
        let (all, unseen) = self.validator.certificates(&planes).await;
        if unseen.is_empty() {
            round.looked(OWN_CERTIFICATES);
        }
        own_ends(&all, self.clock.now(), self.settings.expires_within_days)
            .into_iter()
            .for_each(|row| round.row(row));
    }

    /// What the engine sees of the known issues, and certificates that end.
    async fn issues(&self, baseline: &Baseline, round: &mut Round) {
        let look = ClusterLook::Survey { endpoints: vec![] };
        let survey = match self.performer.cluster.look(&look).await {
            Ok(ClusterReply::Survey(survey)) => survey,
            other => return round.blind(SURVEY, reason(other)),
        };
        round.looked(SURVEY);
        let now = self.clock.now();
        let mut observed = Observed::of(&survey, now);
        let inventory = &baseline.state().plan.inventory;
        for node in inventory.control_planes() {
            let seen = match self.performer.agents.observe(&node.name, &Look::Components).await {
                Ok(OpOutput::Components(all)) => Ok(all),
                Ok(_) => Err("its agent answered something else".into()),
                Err(failure) => Err(failure.message),
            };
            observed.components.insert(node.name.clone(), seen);
            let advertise = node.facts.as_ref().and_then(|f| f.advertise.clone());
            observed.endpoints.extend(advertise.map(|endpoint| (node.name.clone(), endpoint)));
        }
        for (issue, away) in looked_at(&survey) {
            match away {
                None => round.looked(issue.name()),
                Some(why) => round.blind(issue.name(), why.clone()),
            }
        }
        if observed.components.values().all(Result::is_ok) {
            round.looked(IssueName::EtcdServers.name());
            round.looked(IssueName::FeatureGates.name());
        }
        // What an operator has accepted as changed is no part of it.
        let before = site(baseline.state()).unwrap_or_else(|| baseline.recorded().clone());
        for sighting in issues::seen(&before, &observed) {
            round.row(Row {
                key: format!("{}/{}", sighting.issue, sighting.object),
                issue: Some(sighting.issue),
                severity: sighting.severity,
                what: sighting.what,
                evidence: sighting.evidence,
                next: sighting.next,
            });
        }
        if survey.ingresses.is_ok() {
            round.looked(CERTIFICATES);
            ends(&survey.served, now, self.settings.expires_within_days)
                .into_iter()
                .for_each(|row| round.row(row));
        }
    }
}

/// The issues, each with the reason why its parts were not seen.
fn looked_at(survey: &ClusterSurvey) -> [(IssueName, Option<&String>); 3] {
    let balancers = survey.load_balancers.as_ref().err();
    let ingresses = survey.ingresses.as_ref().err().or(survey.controllers.as_ref().err());
    [
        (IssueName::LoadBalancers, balancers),
        (IssueName::IngressTls, ingresses.or(balancers)),
        (IssueName::CalicoOperator, survey.calico.as_ref().err().or(survey.tigera.as_ref().err())),
    ]
}

/// Why an answer says nothing.
fn reason<T>(answer: Result<T, Failure>) -> String {
    answer.map_or_else(|failure| failure.message, |_| "the answer is of another kind".into())
}

fn verb(number: usize) -> String {
    format!("{} {}", count(number, "agent"), if number == 1 { "is" } else { "are" })
}

fn warning(key: String, what: String, next: &str) -> Row {
    Row { key, issue: None, severity: Severity::Warning, what, evidence: vec![], next: next.into() }
}

/// podlift's own name as a writer.
const OWN: &str = "podlift";

/// Writer and time of `manager at time`, if it is another writer than podlift and later than that.
fn written_after(text: &str, ended: Timestamp) -> Option<(String, Timestamp)> {
    let (manager, at) = text.rsplit_once(" at ")?;
    let at: Timestamp = at.parse().ok()?;
    (manager != OWN && at > ended).then(|| (manager.to_string(), at))
}

/// Certificates of the cluster and of podlift that end within so many days, each with the command that comes next.
fn own_ends(all: &[Ends], now: Timestamp, days: u32) -> Vec<Row> {
    let limit = now + SignedDuration::from_hours(i64::from(days) * 24);
    let mut soon: Vec<&Ends> = all.iter().filter(|end| end.not_after < limit).collect();
    // Of several certificates in one file the first to end makes the row, and the last row of a name stays.
    soon.sort_by_key(|end| std::cmp::Reverse(end.not_after));
    soon.into_iter()
        .map(|end| {
            let verb = if end.not_after < now { "ended" } else { "ends" };
            let what = format!("the certificate of {} {verb} at {}", end.what, end.not_after);
            warning(format!("{OWN_CERTIFICATES}/{}", end.what), what, &end.renew)
        })
        .collect()
}

/// Certificates that end within so many days, each address and name once.
fn ends(served: &[ServedCertificate], now: Timestamp, days: u32) -> Vec<Row> {
    let limit = now + SignedDuration::from_hours(i64::from(days) * 24);
    let soon = served.iter().filter_map(|s| Some((s, s.certificate.as_ref().ok()?.not_after)));
    soon.filter(|(_, not_after)| *not_after < limit)
        .map(|(s, not_after)| {
            let verb = if not_after < now { "ended" } else { "ends" };
            warning(
                format!("{CERTIFICATES}/{}/{}", s.address, s.server_name),
                format!("the certificate of {} at {} {verb} at {not_after}", s.server_name, s.address),
                "podlift validate --only certificates-end",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_write_of_another_client_is_a_drift() {
        let ended: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        for (text, want) in [
            ("cmd at 2026-11-22T06:00:01Z", true),
            ("cmd at 2026-11-22T05:59:59Z", false),
            ("podlift at 2026-11-22T07:00:00Z", false),
            ("unknown at unknown", false),
            ("", false),
        ] {
            assert_eq!(written_after(text, ended).is_some(), want, "{text}");
        }
    }

    #[test]
    fn a_certificate_of_a_node_that_ends_is_a_row_with_its_own_command() {
        let now: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        let end = |what: &str, days: i64| Ends {
            what: what.into(),
            not_after: now + SignedDuration::from_hours(24 * days),
            renew: format!("see {what}"),
        };
        let rows = own_ends(&[end("runai-01 a.crt", 29), end("runai-01 b.crt", 31)], now, 30);
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(row.key, "certificates-of-cluster/runai-01 a.crt");
        assert_eq!(row.next, "see runai-01 a.crt");
    }

    #[test]
    fn a_certificate_that_ends_within_the_days_is_a_row() {
        let certificate = podlift_engine::testing::survey::certificate("aa");
        let served = ServedCertificate {
            address: "10.77.0.90:443".into(),
            server_name: "runai.example".into(),
            certificate: Ok(certificate.clone()),
            page: None,
        };
        let day = SignedDuration::from_hours(24);
        let rows =
            |before: SignedDuration| ends(std::slice::from_ref(&served), certificate.not_after - before, 30);
        assert_eq!(rows(day * 31), []);
        let [row] = &rows(day * 29)[..] else { panic!("one row") };
        assert_eq!(row.key, "certificates/10.77.0.90:443/runai.example");
        assert!(row.what.contains(" ends at "), "{}", row.what);
        assert!(rows(-day)[0].what.contains(" ended at "));
    }
}
