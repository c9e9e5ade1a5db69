//! Objects that are followed by a watch: their changes as they come. A follower that stops is begun again by its caller.

use serde_json::Value;

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Followed {
    /// Services of all namespaces.
    Services,
    /// One secret. Other secrets of its namespace are not asked for.
    Secret { namespace: String, name: String },
}

/// A change of followed objects. It may hold a secret, so it is not printed.
pub enum Change {
    /// Everything that is there, at the beginning and after a break: what is not in it is gone.
    All(Vec<Value>),
    Put(Value),
    /// The object as it was last.
    Gone(Value),
}
