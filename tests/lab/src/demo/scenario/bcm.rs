//! BCM in a scenario's file: whether it gives nodes their disks, what else it knows, and how it answers.

use crate::world::World;
use crate::world::bcm::{Device, Lie};
use crate::world::shape::Timing;
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Bcm {
    /// BCM lists the nodes and gives them their disks from software images.
    pub images: bool,
    /// The head's agent uses CMDaemon's JSON API, too.
    pub api: bool,
    /// Devices that are no nodes of the cluster.
    pub outside: Vec<Outside>,
    /// `provisioningstatus` in its second layout.
    pub second_layout: bool,
    /// Provisioners count as updated a moment ago, always.
    pub always_fresh: bool,
    /// Neither Kubernetes' paths nor podlift's own are in an exclude list.
    pub uncovered: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Outside {
    pub name: String,
    pub category: String,
    /// Set at the device itself.
    pub image: Option<String>,
}

/// What cmsh does with a command instead of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CmshOrder {
    /// A part of the command.
    pub part: String,
    pub how: CmshLie,
    #[serde(default)]
    pub text: String,
    #[serde(default = "once")]
    pub times: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CmshLie {
    /// The text on stdout, exit code 0.
    Says,
    /// The text on stderr, exit code 1.
    Refuses,
    /// Exit code 0 and no word.
    Nothing,
    /// It never ends.
    Silent,
    /// It is done, and the text is on stderr with exit code 1.
    DoneAndRefuses,
}

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncEnd {
    Well,
    /// COMPLETED, and nothing was copied.
    Empty,
    /// It disappears.
    Lost,
    /// rsync ends with 23.
    Fails,
    /// Never.
    Endless,
    /// As FULL.
    Full,
}

fn once() -> u32 {
    1
}

impl Bcm {
    /// Before anything runs.
    pub fn sow(&self, world: &World) {
        world.bcm(|b| {
            (b.second_layout, b.always_fresh) = (self.second_layout, self.always_fresh);
            if self.uncovered {
                (b.kubernetes_covered, b.own_covered) = (false, false);
            }
        });
        world.update(|s| {
            for Outside { name, category, image } in &self.outside {
                let category = Some(category.clone());
                let device = Device { kind: "PhysicalNode", category, image: image.clone() };
                s.bcm.devices.insert(name.clone(), device);
            }
        });
    }

    /// An image of the lab is small: its story is not told in real minutes.
    pub fn timing(&self, base: Timing) -> Timing {
        let s = Duration::from_secs;
        match self.images {
            true => Timing { sync: s(30), ramdisk: s(15), clone: s(10), provisioner: s(10), ..base },
            false => base,
        }
    }
}

impl CmshOrder {
    pub fn lie(&self) -> Lie {
        let text = self.text.clone();
        match self.how {
            CmshLie::Says => Lie::Says(text),
            CmshLie::Refuses => Lie::Refuses(text),
            CmshLie::Nothing => Lie::Nothing,
            CmshLie::Silent => Lie::Silent,
            CmshLie::DoneAndRefuses => Lie::DoneAndRefuses(text),
        }
    }
}
