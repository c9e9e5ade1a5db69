//! Inputs in the shape of public bug reports (tests/fixtures/cases), each with the right result.

mod etcd;
mod flags;
mod minors;
mod nodes;
mod workloads;

use super::build;
use crate::goals::PlanInput;
use crate::program::{Program, Severity};
use crate::testing::{config_of, input};
use podlift_model::command::CommandLine;
use podlift_model::facts::ManifestFacts;
use podlift_model::op::Component;
use podlift_model::{FlagSet, KubeVersion};
use serde_json::Value;

/// The flags of the program's own container, as an agent reads them.
fn flags_in(yaml: &str, program: &str) -> Result<FlagSet, String> {
    let pod: Value = serde_saphyr::from_str(yaml).unwrap();
    let containers = pod["spec"]["containers"].as_array().unwrap();
    let words = |c: &Value| -> Vec<String> {
        let lists = ["command", "args"].map(|key| c[key].as_array().cloned().unwrap_or_default());
        lists.iter().flatten().filter_map(|w| w.as_str().map(String::from)).collect()
    };
    let own = containers.iter().find(|c| c["name"] == program).unwrap();
    let words = words(own);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    CommandLine::read(program, &words).map(|line| FlagSet::from(&line)).map_err(|why| why.to_string())
}

fn api_server(i: &mut PlanInput) -> impl Iterator<Item = &mut ManifestFacts> {
    let facts = i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut());
    facts.flat_map(|f| &mut f.manifests).filter(|m| m.component == Component::KubeApiserver)
}

/// All API servers run the manifest. The other components and the gates of the usual input are removed.
fn cluster(config: &str, manifest: &str, to: &str) -> PlanInput {
    let mut i = input();
    i.to = to.parse().unwrap();
    i.kubeadm_config.as_mut().unwrap().cluster_configuration = config_of(config);
    let read = flags_in(manifest, "kube-apiserver");
    for m in api_server(&mut i) {
        match &read {
            Ok(flags) => m.flags = flags.clone(),
            Err(why) => (m.flags, m.opaque) = (FlagSet::default(), Some(why.clone())),
        }
    }
    let advertise = read.ok().and_then(|f| f.joined("advertise-address"));
    for facts in
        i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut()).filter(|f| f.advertise.is_some())
    {
        for m in facts.manifests.iter_mut().filter(|m| m.component != Component::KubeApiserver) {
            m.flags = FlagSet::default();
        }
        facts.advertise = advertise.as_ref().map(|a| format!("{a}:6443"));
    }
    i
}

/// Sets everything to version `from`, and offers `to`.
fn between(i: &mut PlanInput, from: &str, to: &str) {
    let (from, to): (KubeVersion, KubeVersion) = (from.parse().unwrap(), to.parse().unwrap());
    i.to = to;
    for node in &mut i.inventory.nodes {
        node.view.kubelet = Some(from);
        if let Some(facts) = &mut node.facts {
            facts.manifests.iter_mut().for_each(|m| m.version = Some(from));
            (facts.kubeadm, facts.kubelet, facts.kubectl) = (Some(from), Some(from), Some(from));
        }
    }
    for offer in i.offers.values_mut().flatten().flatten() {
        offer.version.kube = to;
    }
    for survey in i.surveys.values_mut().flatten() {
        for version in survey.install.as_mut().unwrap().install.values_mut() {
            *version = format!("{}-1.1", to.to_string().trim_start_matches('v'));
        }
    }
    let bcm = i.bcm.as_mut().unwrap();
    bcm.minors = Ok(vec![from.minor(), to.minor()]);
    bcm.recorded.as_mut().unwrap().kube = from;
}

fn blockers(plan: &Program) -> Vec<(&str, &str)> {
    plan.blockers().map(|f| (f.check.as_str(), f.evidence.as_str())).collect()
}

fn found<'a>(plan: &'a Program, check: &str) -> Vec<(Severity, &'a str)> {
    let of = plan.findings.iter().filter(|f| f.check == check);
    of.map(|f| (f.severity, f.evidence.as_str())).collect()
}

fn planned(i: &PlanInput) -> Program {
    build(i).unwrap()
}

/// Content of a file of a case.
macro_rules! case {
    ($path:literal) => {
        include_str!(concat!("../../../../../../tests/fixtures/cases/", $path))
    };
}
use case;
