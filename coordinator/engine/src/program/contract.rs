//! A plan as a file: when it is read back it is the plan that was written, or it is refused. `differences` tells whether its facts still
//! hold.

use super::{Program, SCHEMA, hash};
use podlift_model::Digest;
use serde::Deserialize;

/// The document's field with the digest over all of its other content.
const DIGEST: &str = "digest";

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
    #[error(
        "the plan was changed after it was made: its digest is {said}, its content gives {is}; write it anew with `podlift plan -o json`"
    )]
    Edited { said: String, is: String },
    #[error(
        "the plan has no digest, so that a change of its content can't be seen; write it anew with `podlift plan -o json`"
    )]
    NoDigest,
}

impl Program {
    /// The document as it is handed out, with a digest over its content. The hash covers what the run does; the digest covers every field,
    /// also those that only people read.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        let digest = Digest::of(&text);
        match text.strip_suffix('}') {
            Some(open) => format!("{open},\"{DIGEST}\":\"{digest}\"}}"),
            None => text,
        }
    }

    /// Reads what `podlift plan -o json` wrote, however it is indented.
    pub fn from_json(text: &str) -> Result<Self, ContractError> {
        let not = |e: serde_json::Error| ContractError::NotAPlan(e.to_string());
        let named: Named = serde_json::from_str(text).map_err(not)?;
        if named.schema != SCHEMA {
            return Err(ContractError::OtherSchema(named.schema));
        }
        let said = named.digest.ok_or(ContractError::NoDigest)?;
        let program: Program = serde_json::from_str(text).map_err(not)?;
        if let Err(is) = hash::fits(&program) {
            return Err(ContractError::Altered { said: program.hash.to_string(), is: is.to_string() });
        }
        let is = Digest::of(serde_json::to_string(&program).unwrap_or_default());
        match is.as_str() == said {
            true => Ok(program),
            false => Err(ContractError::Edited { said, is: is.to_string() }),
        }
    }
}

/// The first fields of every document.
#[derive(Deserialize)]
struct Named {
    schema: String,
    digest: Option<String>,
}
