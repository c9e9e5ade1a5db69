//! A plan as a file: when it is read back it is the plan that was written, or it is refused. `differences` tells whether its facts still
//! hold.

use super::{Program, SCHEMA, hash};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    #[error("the file is not a plan: {0}; write one with `podlift plan -o json`")]
    NotAPlan(String),
    #[error("the plan has schema {0:?}, expected {known:?}: write it anew with `podlift plan -o json`", known = SCHEMA)]
    OtherSchema(String),
    #[error(
        "the plan was changed after it was made: its hash is {said}, its content gives {is}; write it anew with `podlift plan -o json`"
    )]
    Altered { said: String, is: String },
}

impl Program {
    /// Reads what `podlift plan -o json` wrote.
    pub fn from_json(text: &str) -> Result<Self, ContractError> {
        let not = |e: serde_json::Error| ContractError::NotAPlan(e.to_string());
        let named: Named = serde_json::from_str(text).map_err(not)?;
        if named.schema != SCHEMA {
            return Err(ContractError::OtherSchema(named.schema));
        }
        let program: Program = serde_json::from_str(text).map_err(not)?;
        let is = hash::of_program(&program);
        match is == program.hash {
            true => Ok(program),
            false => Err(ContractError::Altered { said: program.hash.to_string(), is: is.to_string() }),
        }
    }
}

/// The first fields of every document.
#[derive(Deserialize)]
struct Named {
    schema: String,
}
