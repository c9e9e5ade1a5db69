//! The program of a repair: what is left to repair is repaired behind a sealed backup, and where there is nothing, the program only
//! verifies and reports that.

use crate::goals::{Ask, PlanInput, Wanted, build};
use crate::program::{GoalName, Program, Severity};
use crate::steps::Touches;
use crate::testing::{config_text, input, name};
use podlift_model::KubeVersion;

fn running(version: &str) -> PlanInput {
    let mut i = input();
    let version: KubeVersion = version.parse().unwrap();
    i.goal = GoalName::Repair;
    for node in &mut i.inventory.nodes {
        node.view.kubelet = Some(version);
        for manifest in node.facts.iter_mut().flat_map(|f| &mut f.manifests) {
            manifest.version = Some(version);
            manifest.flags.0.remove("feature-gates");
        }
    }
    let text = &mut i.kubeadm_config.as_mut().unwrap().cluster_configuration;
    *text = text.replace("v1.31.14", &version.to_string());
    i
}

fn verbs(program: &Program) -> Vec<String> {
    program.steps().map(|s| s.kind.step().verb()).collect()
}

#[test]
fn what_a_heal_left_is_repaired_behind_a_sealed_backup() {
    let program = build(&running("v1.31.9")).unwrap();
    assert_eq!(program.blockers().count(), 0, "{:?}", program.findings);
    assert_eq!((program.goal.name(), program.from(), program.to()), {
        let version = "v1.31.9".parse().unwrap();
        (GoalName::Repair, version, version)
    });
    let ids: Vec<&str> = program.mends.prevented.iter().map(|p| p.id.as_str()).collect();
    assert!(ids.contains(&"etcd-servers-lost"), "{ids:?}");
    let phases: Vec<&str> = program.phases.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(phases, ["backup", "root-cause", "after", "validate"]);
    assert!(program.phases.iter().all(|p| !p.why.is_empty()));
    let verbs = verbs(&program);
    let last = ["seal-backup", "repair-config", "learn-config", "verify-fleet", "compare", "validate"];
    assert_eq!(verbs[verbs.len() - 6..], last, "BCM has to learn what was repaired");
    let mut without = running("v1.31.9");
    without.bcm.as_mut().unwrap().state.as_mut().unwrap().mode = podlift_model::bcm::HeadMode::Passive;
    assert!(build(&without).unwrap().steps().all(|s| s.kind.step().verb() != "learn-config"));
    without.bcm = None;
    assert!(build(&without).unwrap().steps().all(|s| s.kind.step().verb() != "learn-config"));
}

#[test]
fn a_node_with_settings_of_its_own_gets_its_patches_and_no_other_node_is_touched() {
    let mut i = running("v1.31.9");
    let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
    survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
    let program = build(&i).unwrap();
    let on: Vec<&str> = program
        .steps()
        .filter(|s| s.kind.step().touches() == Touches::Cluster)
        .filter_map(|s| s.node.as_ref().map(|n| n.as_str()))
        .collect();
    assert_eq!(on, ["dgx031"]);
    assert!(verbs(&program).contains(&"kubeadm-patches".to_string()));
}

#[test]
fn where_nothing_is_left_the_program_only_verifies_and_reports_that() {
    let mut i = running("v1.31.9");
    let config = i.kubeadm_config.as_mut().unwrap();
    config.cluster_configuration =
        config_text("good").replace("MaxUnavailableStatefulSet=true", "Other=true");
    let text = build(&i).unwrap();
    let mended = crate::kubeadm_config::repair(&config_of(&i), &text.mends.repairs).unwrap();
    i.kubeadm_config.as_mut().unwrap().cluster_configuration = mended;
    let program = build(&i).unwrap();
    assert_eq!(verbs(&program), ["verify-fleet", "compare", "validate"]);
    assert!(program.steps().all(|s| s.kind.step().touches() == Touches::Nothing));
    let note = program.findings.iter().find(|f| f.check == "repair").unwrap();
    assert_eq!(note.severity, Severity::Note);
    assert!(note.evidence.starts_with("nothing to repair"), "{}", note.evidence);
}

fn config_of(i: &PlanInput) -> String {
    i.kubeadm_config.as_ref().unwrap().cluster_configuration.clone()
}

#[test]
fn an_old_version_in_kubeadm_config_is_corrected() {
    let mut i = running("v1.32.9");
    let config = i.kubeadm_config.as_mut().unwrap();
    config.cluster_configuration = config.cluster_configuration.replace("v1.32.9", "v1.31.9");
    let program = build(&i).unwrap();
    let lost = program.mends.prevented.iter().find(|p| p.id == "version-lost").unwrap();
    assert!(
        lost.what.starts_with("kubeadm-config names v1.31.9, and all API servers run v1.32.9"),
        "{}",
        lost.what
    );
    let text = crate::kubeadm_config::repair(&config_of(&i), &program.mends.repairs).unwrap();
    assert!(text.contains("kubernetesVersion: v1.32.9"), "{text}");
}

#[test]
fn a_half_upgraded_control_plane_is_no_case_for_a_repair() {
    let mut i = running("v1.31.9");
    let facts = i.inventory.nodes.iter_mut().find(|n| n.name == name("runai-02")).unwrap().facts.as_mut();
    facts.unwrap().manifests.iter_mut().for_each(|m| m.version = "v1.32.9".parse().ok());
    let program = build(&i).unwrap();
    let found = program.blockers().find(|f| f.check == "one-version").unwrap();
    assert!(found.evidence.contains("runai-02: v1.32.9"), "{}", found.evidence);
    assert_eq!(found.next, "podlift plan --to v1.32.9");
}

#[test]
fn requested_again_and_read_from_a_file_it_is_the_same_program() {
    let i = running("v1.31.9");
    let program = build(&i).unwrap();
    let ask = Ask::again(&program);
    assert_eq!(ask.goal, Wanted::Repair);
    assert_eq!(ask.version(&i.inventory), Ok("v1.31.9".parse().unwrap()));
    assert_eq!(build(&i).unwrap().hash, program.hash);
    let text = program.to_json();
    assert!(text.contains("\"goal\":\"repair\""));
    assert_eq!(Program::from_json(&text), Ok(program.clone()));
    // The goal is part of the hash: a repair's document with another goal is another plan.
    assert!(Program::from_json(&text.replace("\"goal\":\"repair\"", "\"goal\":\"upgrade\"")).is_err());
}
