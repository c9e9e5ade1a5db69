//! How large the lab's cluster is and which versions it goes between: what the lab can show, and a clear no to the rest.

use crate::bad_input::BadInput;
use crate::world::Shape;
use podlift_model::KubeVersion;
use podlift_model::version::check_step;

/// Agents that two cores bear as processes of their own. Where there are more, one process carries all workers' agents.
const MOST_PROCESSES: usize = 200;
const MOST_WORKERS: usize = 2000;
/// kubeadm's texts and manifests are known for these minors of Kubernetes 1.
const KNOWN: std::ops::RangeInclusive<u16> = 31..=33;
/// Lab seconds are this much shorter than real ones.
pub const FACTOR: u32 = 30;

#[derive(Debug, Clone, clap::Args)]
pub struct Size {
    /// Version that the cluster runs
    #[arg(long, value_name = "VERSION", default_value = "v1.31.9")]
    from: KubeVersion,
    /// Version to upgrade to
    #[arg(long, value_name = "VERSION", default_value = "v1.32.9")]
    pub to: KubeVersion,
    /// Control-plane nodes: 1, 3 or 5
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = odd)]
    control_planes: usize,
    /// Workers: 0 to 2000. Up to 200 each agent is a process of its own; of more, one process carries them all
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = workers)]
    workers: usize,
}

fn odd(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ (1 | 3 | 5)) => Ok(n),
        _ => Err("expected 1, 3 or 5: etcd needs a majority".into()),
    }
}

fn workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n <= MOST_WORKERS => Ok(n),
        _ => Err(format!("expected 0 to {MOST_WORKERS}")),
    }
}

impl Size {
    /// With so many workers at least.
    pub fn at_least(&self, workers: Option<usize>) -> Self {
        Self { workers: self.workers.max(workers.unwrap_or(0)), ..self.clone() }
    }

    /// The lab's cluster of this size, without faults.
    pub fn shape(&self) -> Result<Shape, BadInput> {
        let shape = Shape::default();
        check_step(self.from, self.to).map_err(|e| BadInput(format!("--from and --to: {e}")))?;
        for (flag, version) in [("--from", self.from), ("--to", self.to)] {
            offered(&shape, flag, version)?;
        }
        let name = |stem: &str, width: usize, first: usize| {
            let stem = stem.to_string();
            move |i: usize| format!("{stem}{:0width$}", first + i)
        };
        let pods = self.workers.max(4) as u32;
        Ok(Shape {
            // A budget that lets a worker go: of a single one all pods must.
            inference: (pods, if self.workers > 1 { pods / 2 } else { 0 }),
            control_planes: (0..self.control_planes).map(name("runai-", 2, 1)).collect(),
            workers: (0..self.workers).map(name("dgx", 3, 30)).collect(),
            own_workers: if self.workers > MOST_PROCESSES { 0 } else { usize::MAX },
            from: self.from,
            factor: FACTOR,
            ..shape
        })
    }
}

fn offered(shape: &Shape, flag: &str, version: KubeVersion) -> Result<(), BadInput> {
    let newest = shape.newest.iter().find(|(minor, _)| *minor == version.minor && KNOWN.contains(minor));
    let known: Vec<String> = shape
        .newest
        .iter()
        .filter(|(minor, _)| KNOWN.contains(minor))
        .map(|(minor, patch)| format!("v1.{minor}.0 to v1.{minor}.{patch}"))
        .collect();
    match newest {
        Some((_, patch)) if version.major == 1 && version.patch <= *patch => Ok(()),
        _ => Err(BadInput(format!(
            "{flag} {version}: the lab's repositories do not have it; expected one of {}",
            known.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(from: &str, to: &str) -> Size {
        Size { from: from.parse().unwrap(), to: to.parse().unwrap(), control_planes: 3, workers: 4 }
    }

    #[test]
    fn names_and_addresses() {
        let shape = Size { control_planes: 5, workers: 200, ..size("v1.31.14", "v1.32.13") }.shape().unwrap();
        assert_eq!((shape.control_planes[4].as_str(), shape.workers[199].as_str()), ("runai-05", "dgx229"));
        let addresses: std::collections::BTreeSet<String> = shape.nodes().map(|n| shape.address(n)).collect();
        assert_eq!((addresses.len(), shape.carried().len()), (205, 0));
    }

    #[test]
    fn what_the_lab_cannot_show_is_said() {
        let cases = [
            ("v1.31.9", "v1.33.1", "--from and --to"),
            ("v1.32.9", "v1.31.9", "--from and --to"),
            ("v1.31.99", "v1.32.9", "--from v1.31.99"),
            ("v1.33.1", "v1.34.0", "--to v1.34.0"),
            ("v1.30.1", "v1.31.9", "--from v1.30.1"),
        ];
        for (from, to, want) in cases {
            let said = size(from, to).shape().unwrap_err().to_string();
            assert!(said.contains(want), "{from} {to}: {said}");
        }
        assert!(odd("2").is_err() && odd("0").is_err() && workers("5000").is_err());
    }
}
