//! Recipients to which this node encrypts secrets: age recipients of its own configuration (age-encryption.org/v1, X25519), as `age-keygen`
//! prints them.

use serde::Deserialize;
use std::fmt;
use std::io::{self, Write};

/// A public key: `age1…`.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Recipient(age::x25519::Recipient);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRecipient {
    #[error(
        "backup.recipients = {0:?} is not valid: expected age1… as `age-keygen` prints it behind `Public key:`"
    )]
    Text(String),
    /// The text is not repeated, because a secret key would then be in the log.
    #[error("backup.recipients is not valid: that is a secret key; expected age1…, its public key")]
    Secret,
}

impl std::str::FromStr for Recipient {
    type Err = NoRecipient;
    fn from_str(text: &str) -> Result<Self, NoRecipient> {
        if text.trim().to_ascii_uppercase().starts_with("AGE-SECRET-KEY") {
            return Err(NoRecipient::Secret);
        }
        text.parse().map(Self).map_err(|_| NoRecipient::Text(text.into()))
    }
}

impl TryFrom<String> for Recipient {
    type Error = NoRecipient;
    fn try_from(text: String) -> Result<Self, NoRecipient> {
        text.parse()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A writer that encrypts to every recipient and writes the result to `to`; `finish` ends it.
pub(crate) fn encrypting<W: Write>(
    recipients: &[&Recipient],
    to: W,
) -> io::Result<age::stream::StreamWriter<W>> {
    let all = recipients.iter().map(|r| &r.0 as &dyn age::Recipient);
    age::Encryptor::with_recipients(all).map_err(io::Error::other)?.wrap_output(to)
}
