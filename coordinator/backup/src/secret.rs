//! Encryption at rest: age with X25519 recipients. A person with an identity file can read the set with the `age` tool and without podlift.

use serde::Deserialize;
use std::io::{self, Write};

/// A public key: `age1…`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Recipient(age::x25519::Recipient);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an age recipient: expected age1… as `age-keygen` prints it")]
pub struct NoRecipient(String);

impl std::str::FromStr for Recipient {
    type Err = NoRecipient;
    fn from_str(text: &str) -> Result<Self, NoRecipient> {
        // An identity at this place would give the key to every reader of the configuration, so the error does not repeat it.
        if text.starts_with("AGE-SECRET-KEY") {
            return Err(NoRecipient("AGE-SECRET-KEY…".into()));
        }
        text.parse().map(Self).map_err(|_| NoRecipient(text.into()))
    }
}

impl TryFrom<String> for Recipient {
    type Error = NoRecipient;
    fn try_from(text: String) -> Result<Self, NoRecipient> {
        text.parse()
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Encrypts all that is written to it to every recipient, and writes the result to `W`; `finish` ends it.
pub(crate) type Encrypting<W> = age::stream::StreamWriter<W>;

pub(crate) fn encrypting<W: Write>(recipients: &[Recipient], to: W) -> io::Result<Encrypting<W>> {
    let all = recipients.iter().map(|r| &r.0 as &dyn age::Recipient);
    age::Encryptor::with_recipients(all).map_err(io::Error::other)?.wrap_output(to)
}
