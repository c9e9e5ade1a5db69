//! Why a policy is refused. Each text begins with the path of the field inside `[rollout]`.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("{field}: {value:?} {expected}")]
    Field { field: String, value: String, expected: &'static str },
    #[error("groups[{second}].name: {name:?} is the name of groups[{first}] already: expected another name")]
    SameName { first: usize, second: usize, name: String },
}
