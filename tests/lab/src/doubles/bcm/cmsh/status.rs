//! `provisioningstatus` in its two layouts.

use super::session::Session;
use crate::doubles::ctx::HEAD;
use crate::world::State;
use crate::world::bcm::Provisioner;

impl Session<'_> {
    pub(super) fn provisioningstatus(&self) {
        let text = {
            let s = self.ctx.world.lock();
            if s.bcm.switches.second_layout { second(&s) } else { first(&s) }
        };
        self.ctx.print(&text, false);
    }
}

fn none_or(list: &[String]) -> String {
    if list.is_empty() { "<none>".into() } else { list.join(", ") }
}

fn active(s: &State, provisioner: &Provisioner) -> Vec<String> {
    let logs = s.bcm.syncs.values().filter(|l| l.ended.is_none() && l.provisioner == provisioner.node);
    logs.map(|l| l.device.clone()).collect()
}

fn first(s: &State) -> String {
    let waiting: Vec<String> = s.bcm.waiting.keys().cloned().collect();
    let busy: u32 = s.bcm.provisioners.iter().map(|p| p.in_use).sum();
    let updating = s.bcm.provisioners.iter().any(|p| p.updating);
    let state = if busy > 0 || !waiting.is_empty() || updating {
        "busy, accepting requests"
    } else {
        "idle, accepting requests"
    };
    let asked = if updating { "yes" } else { "no" };
    let mut text = format!(
        "Provisioning subsystem status: {state}\nUpdate of provisioning nodes requested: {asked}\n\
         Maximum number of nodes provisioning: 10000\nNodes currently provisioning: {busy}\nNodes waiting to be provisioned: {}\n",
        none_or(&waiting)
    );
    for p in &s.bcm.provisioners {
        text += &format!(
            "Provisioning node {}:\nMax number of provisioning nodes: {}\nNodes currently provisioning: {}\n",
            p.node, p.slots, p.in_use
        );
    }
    text
}

fn second(s: &State) -> String {
    let waiting: Vec<String> = s.bcm.waiting.keys().cloned().collect();
    let mut text = format!(
        "Provisioning subsystem status\nPending request: {}\nProvisioning node status:\n",
        none_or(&waiting)
    );
    for p in &s.bcm.provisioners {
        let state = match (p.drained, p.in_use, p.updating) {
            (true, 1.., _) => "draining",
            (true, 0, _) => "drained",
            (false, _, true) => "updating",
            (false, _, false) => "accepting requests",
        };
        let images = if p.updating && p.node != HEAD { vec![] } else { s.up_to_date(p) };
        text += &format!(
            "+ {}\n  Slots:              {} / {}\n  State:              {state}\n  Active nodes:       {}\n  Up to date images:  {}\n",
            p.node,
            p.in_use,
            p.slots,
            none_or(&active(s, p)),
            none_or(&images)
        );
    }
    text
}
