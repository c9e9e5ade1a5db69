//! What a fleet is like, and the lab's World that fits it.

use crate::bcm::Imaged;
use crate::{configs, network};
use podlift_lab::Shape;
use podlift_lab::world::shape::Timing;
use std::time::Duration;

/// Of the repositories and of the run.
pub const FROM: &str = "v1.31.14";
pub const TO: &str = "v1.32.13";
/// Doubles of kubelet and kubeadm take so many times less than the real ones; everything else takes what it takes.
const FACTOR: u32 = 15;

/// One of CMDaemon's tasks after a clone: a second here.
const RAMDISK: Duration = Duration::from_secs(15);

/// What a fleet is like.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub control_planes: Vec<&'static str>,
    pub workers: Vec<&'static str>,
    /// More arguments of nspawn, by machine.
    pub extra: Vec<(&'static str, &'static str)>,
    /// Machines that BCM writes from software images. With one of them the head node has BCM's tools and an agent.
    pub imaged: Vec<&'static str>,
    /// The product is not installed yet.
    pub bare: bool,
}

impl Default for Wanted {
    /// The six machines of a run.
    fn default() -> Self {
        Self {
            control_planes: vec!["cp1", "cp2", "cp3"],
            workers: vec!["w1", "w2"],
            extra: vec![],
            imaged: vec![],
            bare: false,
        }
    }
}

pub(super) fn shape(wanted: &Wanted) -> anyhow::Result<Shape> {
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    Ok(Shape {
        control_planes: names(&wanted.control_planes),
        workers: names(&wanted.workers),
        from: FROM.parse()?,
        network: network::NETWORK.into(),
        proxy: format!("{}:10443", network::supervisor()),
        factor: FACTOR,
        timing: timing(),
        inference: (2, 1),
        ..Shape::default()
    })
}

/// Copies of images, and of an image to a machine, take what they take.
fn timing() -> Timing {
    let none = Duration::ZERO;
    Timing { sync: none, clone: none, provisioner: none, ramdisk: RAMDISK, ..Timing::default() }
}

/// Machines that BCM writes from images, and their images.
pub(super) fn imaged(wanted: &Wanted) -> Vec<Imaged> {
    let of = |node: &&str| Imaged::of(node, wanted.control_planes.contains(node));
    wanted.imaged.iter().map(of).collect()
}

/// Machines with their addresses, head first.
pub(super) fn addresses(shape: &Shape) -> Vec<(String, String)> {
    let head = (configs::HEAD.to_string(), format!("{}.2", network::NETWORK));
    [head].into_iter().chain(shape.nodes().map(|n| (n.clone(), shape.address(n)))).collect()
}
