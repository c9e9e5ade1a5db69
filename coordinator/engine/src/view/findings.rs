//! Findings grouped for people: the same problem on many nodes is one line with their names.

use crate::program::{Finding, Severity};
use podlift_model::NodeName;

/// One problem, with all its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    pub severity: Severity,
    pub check: &'a str,
    pub evidence: &'a str,
    /// The next command, taken from the finding of the first node.
    pub next: &'a str,
    /// Empty for a problem of the cluster as a whole.
    pub nodes: Vec<&'a NodeName>,
    pub site_rule: bool,
}

/// Groups in the order of the findings, which is by severity and check.
pub fn grouped(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut out: Vec<Group> = Vec::new();
    for f in findings {
        let same = |g: &&mut Group| (g.severity, g.check, g.evidence) == (f.severity, &f.check, &f.evidence);
        match (out.iter_mut().rev().take_while(|g| g.check == f.check).find(same), &f.node) {
            (Some(group), Some(node)) if !group.nodes.is_empty() => group.nodes.push(node),
            _ => out.push(Group {
                severity: f.severity,
                check: &f.check,
                evidence: &f.evidence,
                next: &f.next,
                nodes: f.node.iter().collect(),
                site_rule: f.site_rule,
            }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::upgrade::build;
    use crate::testing::{input, name};

    #[test]
    fn the_same_on_many_nodes_is_one_line_and_what_differs_is_not() {
        let mut i = input();
        for survey in i.surveys.values_mut() {
            survey.as_mut().unwrap().automation.unattended_upgrades = true;
        }
        for (node, free) in [("dgx030", 1), ("dgx031", 2), ("dgx032", 1)] {
            let disks = &mut i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap().disks;
            disks.get_mut("/var").unwrap().free_bytes = free << 20;
        }
        i.attestations.clear();
        let plan = build(&i).unwrap();
        let groups = grouped(&plan.findings);
        let shown: Vec<(&str, usize)> = groups.iter().map(|g| (g.check, g.nodes.len())).collect();
        let attestations = ("attestations", 0);
        assert_eq!(
            shown,
            [
                ("filesystems", 2),
                ("filesystems", 1),
                attestations,
                attestations,
                attestations,
                ("unattended-upgrades", 7)
            ]
        );
        assert_eq!(groups[0].nodes, [&name("dgx030"), &name("dgx032")]);
        assert!(groups[0].next.contains("dgx030"));
    }
}
