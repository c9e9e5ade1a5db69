//! Why a policy is refused. Each text begins with the path of the field inside `[rollout]`.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("{field}: {value:?} {expected}")]
    Field { field: String, value: String, expected: &'static str },
    #[error("groups[{second}].name: {name:?} is the name of groups[{first}] already: expected another name")]
    SameName { first: usize, second: usize, name: String },
    #[error(
        "groups[{at}]: group {name:?} has neither selector nor category: expected selector = \"key=value\", category = \"NAME\" of a BCM category, or both (then a worker must match both)"
    )]
    NoMembers { at: usize, name: String },
}
