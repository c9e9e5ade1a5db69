//! Writes: create, change, delete. Each is checked as a whole and then stored as a whole, under one lock. Cordons and ConfigMap writes
//! are effects of the World.

mod change;
mod create;
mod delete;
mod patch;

use super::route::{Call, Target};
use crate::objects::fields::Writer;
use crate::world::{What, World};
use serde_json::Value;
use std::sync::Arc;

pub use change::replace;
pub use create::create;
pub use delete::{delete, delete_collection};
pub use patch::patch;

/// One write of a user.
pub struct Cx<'a> {
    pub world: &'a Arc<World>,
    pub user: &'a str,
    pub target: &'a Target,
    pub call: &'a Call,
}

impl Cx<'_> {
    fn writer(&self) -> Writer {
        Writer::update(self.call.manager(), self.target.subresource.as_deref())
    }

    fn effects(&self, before: &Value, after: &Value) {
        let (by, name) = (self.user.to_string(), self.target.name.clone());
        match self.target.kind.kind {
            "Node" => match (before["spec"]["unschedulable"] == true, after["spec"]["unschedulable"] == true)
            {
                (false, true) => self.world.record(&name, What::Cordon { by }, None),
                (true, false) => self.world.record(&name, What::Uncordon { by }, None),
                _ => {}
            },
            "ConfigMap" if !before.is_null() && before != after => {
                self.world.record("", What::ConfigMapWrite { name, by }, None);
            }
            _ => {}
        }
    }
}
