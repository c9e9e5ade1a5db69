//! The scenarios of the demo, as data: what the cluster is like, what the operator does, how it must end.

use crate::supervisor::HealMode;
use crate::world::Shape;
use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// kubeadm-config would empty --etcd-servers and keep the stale gate: the run prevents both
    BadNight,
    /// The check is waived, so kubeadm breaks every manifest: the agents' guards save each control-plane node
    HealOnly,
    /// The check is waived and healing is off: kubeadm says success over a dead API server, the run sees through it
    Unprotected,
}

pub struct Scenario {
    pub name: &'static str,
    pub story: &'static str,
    pub heal: HealMode,
    /// `--waive CHECK=REASON`.
    pub waive: Option<&'static str>,
    /// The run pauses first; then the operator does this, and it succeeds.
    pub then: Option<&'static [&'static str]>,
    pub shape: Shape,
    pub expect: Expect,
}

/// What the judge looks for on top of a finished upgrade.
pub struct Expect {
    pub prevented: usize,
    /// At least one heal on each control-plane node.
    pub heals: bool,
    /// The address that everybody uses must never be away.
    pub vip_never_away: bool,
    /// Some API server must have been away for longer than a restart takes.
    pub outage: bool,
    /// What may be done more than once: prefixes of the audit's lines.
    pub twice: &'static [&'static str],
}

/// Lab seconds are this much shorter than real ones.
const FACTOR: u32 = 30;

const WAIVED: &str = "flag-loss=the demo wants to see what happens without the repair";

pub fn get(name: Name) -> Scenario {
    let shape = Shape { factor: FACTOR, ..Shape::default() };
    match name {
        Name::BadNight => Scenario {
            name: "bad-night",
            story: "kubeadm-config lost its etcd endpoints and keeps a stale gate; nobody knows yet",
            heal: HealMode::Enforce,
            waive: None,
            then: None,
            shape,
            expect: Expect { prevented: 2, heals: false, vip_never_away: true, outage: false, twice: &[] },
        },
        Name::HealOnly => Scenario {
            name: "heal-only",
            story: "the same cluster, and the operator waived the check: only the agents' guards are left",
            heal: HealMode::Enforce,
            waive: Some(WAIVED),
            then: None,
            shape,
            expect: Expect { prevented: 0, heals: true, vip_never_away: true, outage: false, twice: &[] },
        },
        Name::Unprotected => Scenario {
            name: "unprotected",
            story: "the same cluster, check waived and healing off: the runbook's night",
            heal: HealMode::Off,
            waive: Some(WAIVED),
            then: Some(&["retry", "--unwaive", "flag-loss", "--follow"]),
            shape,
            expect: Expect {
                prevented: 0,
                heals: false,
                vip_never_away: false,
                outage: true,
                twice: &["runai-01: kubeadm upgraded its static pods"],
            },
        },
    }
}
