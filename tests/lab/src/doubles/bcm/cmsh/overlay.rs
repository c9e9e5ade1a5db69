//! The configurationoverlay mode: the list of what cm-kubernetes-setup made. Workers may be named by category alone.

use super::session::{Problem, Session};
use super::table::{Column, Form};
use crate::world::bcm::build::WORKERS;

const COLUMNS: [Column; 6] = [
    ("name", "Name (key)", 0),
    ("priority", "Priority", 0),
    ("allheadnodes", "All head nodes", 0),
    ("nodes", "Nodes", 0),
    ("categories", "Categories", 0),
    ("roles", "Roles", 0),
];

impl Session<'_> {
    pub(super) fn overlay(&mut self, words: &[&str]) -> Result<(), Problem> {
        let ["list", rest @ ..] = words else { return Err(self.unknown(words)) };
        let form = Form::of(rest).ok_or_else(|| self.unknown(words))?;
        let shape = &self.ctx.world.shape;
        let (cluster, planes) = (&shape.cluster, shape.control_planes.join(","));
        let row = |part: &str, priority: &str, nodes: &str, categories: &str, roles: &str| {
            [&format!("kube-{cluster}-{part}"), priority, "no", nodes, categories, roles]
                .map(String::from)
                .to_vec()
        };
        let rows = [
            row("etcd", "500", &planes, "", "Etcd::Host"),
            row("master", "510", &planes, "", "Kubernetes::ApiServer, Kubernetes::Controller, kubelet"),
            row("worker", "500", "", WORKERS.1, "kubelet"),
        ];
        self.ctx.out(&form.table(&COLUMNS, &rows).map_err(Problem)?);
        Ok(())
    }
}
