//! A part of a unit that never fits as a whole: a gang on more nodes than may be unavailable, or gangs that overlap.

use crate::field::{Field, Past, Task};
use crate::room::Room;
use crate::units::{Loss, Unit};
use crate::{Order, Scene};
use std::collections::BTreeSet;

/// The nodes of the unit that are taken now, ascending. Gangs follow each other: first what is left of interrupted gangs, then those that
/// lose the least for a node. A gang that fits into an empty room is taken as a whole or waits for room.
pub(crate) fn chunk(scene: &Scene, field: &Field, room: &Room, unit: &Unit) -> Vec<usize> {
    let mut part = Part { field, room: room.clone(), nodes: BTreeSet::new() };
    for gang in gangs(scene, field, unit) {
        if part.room.is_full() || !part.add(gang) {
            break;
        }
    }
    part.nodes.into_iter().collect()
}

fn gangs(scene: &Scene, field: &Field, unit: &Unit) -> Vec<usize> {
    let mut gangs: Vec<usize> = unit.tasks.iter().copied().filter(|at| field.tasks[*at].joins()).collect();
    gangs.sort_by_cached_key(|at| {
        let task = &field.tasks[*at];
        let loss = match unit.order {
            Order::LeastLoss => Loss::of(field, &task.nodes, &[*at], scene.now).after(0),
            Order::AsPlanned => 0,
        };
        (task.past != Past::Remnant, loss / task.nodes.len() as u128, task.nodes[0], *at)
    });
    gangs
}

struct Part<'a> {
    field: &'a Field<'a>,
    room: Room,
    nodes: BTreeSet<usize>,
}

impl Part<'_> {
    /// Takes the gang, and what is left of the gangs that this interrupts. `false` if a gang is left that is too large for any room: its
    /// other nodes are next before anything else of this unit.
    fn add(&mut self, gang: usize) -> bool {
        let task = &self.field.tasks[gang];
        if !self.room.holds_ever(self.field, &task.nodes) {
            self.rest(task).iter().for_each(|at| self.take(&[*at]));
            return self.rest(task).is_empty();
        }
        let rest = self.rest(task);
        self.take(&rest);
        if self.rest(task).is_empty() {
            self.add_touched(&rest);
        }
        true
    }

    fn add_touched(&mut self, nodes: &[usize]) {
        for (other, _) in nodes.iter().flat_map(|at| &self.field.nodes[*at].tasks) {
            let other = &self.field.tasks[*other];
            if other.joins() {
                self.take(&self.rest(other));
            }
        }
    }

    fn rest(&self, task: &Task) -> Vec<usize> {
        task.nodes.iter().copied().filter(|at| !self.nodes.contains(at)).collect()
    }

    /// Takes the nodes if they fit together.
    fn take(&mut self, nodes: &[usize]) {
        if self.room.holds(self.field, nodes) {
            nodes.iter().for_each(|at| self.room.begin(&self.field.nodes[*at]));
            self.nodes.extend(nodes);
        }
    }
}
