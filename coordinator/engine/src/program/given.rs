//! A parameter of a step. Most steps of a program use the goal's own version and packages. A document has those once and its steps omit
//! them, so it stays small at thousands of nodes, and older documents are complete. A step with another value writes it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::ops::Deref;

/// A parameter, which derefs to its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    value: T,
    /// True if the value is not the goal's, and is written into the document.
    own: bool,
}

impl<T> Given<T> {
    /// A value that is the goal's.
    pub fn shared(value: T) -> Self {
        Self { value, own: false }
    }

    /// A value of the step's own.
    pub fn own(value: T) -> Self {
        Self { value, own: true }
    }

    pub(crate) fn is_shared(&self) -> bool {
        !self.own
    }

    /// Takes the goal's value, unless the document has another for this step.
    pub(crate) fn complete(&mut self, value: T) {
        if !self.own {
            self.value = value;
        }
    }
}

impl<T> Deref for Given<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The placeholder of a value that a document omits, until it is completed.
pub(crate) trait LeftOut {
    fn left_out() -> Self;
}

impl<T> LeftOut for Vec<T> {
    fn left_out() -> Self {
        Vec::new()
    }
}

impl LeftOut for podlift_model::KubeVersion {
    fn left_out() -> Self {
        Self::new(0, 0, 0)
    }
}

impl<T: LeftOut> Default for Given<T> {
    fn default() -> Self {
        Self::shared(T::left_out())
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::own)
    }
}

impl<T: JsonSchema> JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
