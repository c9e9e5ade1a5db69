//! `podlift clusters`: one row for each Kubernetes cluster of BCM.

use super::timestamp;
use crate::out::Screen;
use crate::table::{Cell, Grid, wrapped};
use anstyle::AnsiColor;
use podlift_engine::view::{ClusterRow, Clusters};

pub(crate) fn clusters(seen: &Clusters, screen: Screen) -> String {
    let head = format!("Kubernetes clusters of BCM, from head node {} at {}", seen.head, timestamp(seen.at));
    if seen.clusters.is_empty() {
        return wrapped(&format!("{head}: none"), screen);
    }
    let mut grid = Grid::new(&["CLUSTER", "VERSION IN BCM", "THIS COORDINATOR"]);
    seen.clusters.iter().for_each(|row| grid.row(cells(row)));
    wrapped(&format!("{head}:\n{}", grid.render(screen)), screen)
}

fn cells(row: &ClusterRow) -> Vec<Cell> {
    let version = row.version.as_ref().map_or("not readable".into(), ToString::to_string);
    let served = match row.served {
        true => Cell::coloured("serves it", Some(AnsiColor::Green)),
        false => "-".into(),
    };
    vec![Cell::from(&row.name), version.into(), served]
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_model::{ClusterName, NodeName};

    fn seen(clusters: Vec<ClusterRow>) -> Clusters {
        Clusters {
            schema: podlift_engine::view::clusters::SCHEMA.into(),
            cluster: ClusterName::new("k8s-user").unwrap(),
            at: "2026-11-22T20:15:00Z".parse().unwrap(),
            head: NodeName::new("head-01").unwrap(),
            clusters,
            problem: None,
        }
    }

    #[test]
    fn the_cluster_that_is_served_is_marked() {
        let row = |name: &str, version: Option<&str>, served| ClusterRow {
            name: ClusterName::new(name).unwrap(),
            version: version.map(|text| text.parse().unwrap()),
            served,
        };
        let all = seen(vec![row("k8s-admin", None, false), row("k8s-user", Some("1.32.9-1.1"), true)]);
        let screen = Screen { width: Some(80), height: None, colour: false };
        insta::assert_snapshot!(clusters(&all, screen), @r"
        Kubernetes clusters of BCM, from head node head-01 at 2026-11-22 20:15:00Z:
        CLUSTER    VERSION IN BCM  THIS COORDINATOR
        k8s-admin  not readable    -
        k8s-user   1.32.9-1.1      serves it
        ");
        let none = clusters(&seen(vec![]), screen);
        assert_eq!(none, "Kubernetes clusters of BCM, from head node head-01 at 2026-11-22 20:15:00Z: none");
    }
}
