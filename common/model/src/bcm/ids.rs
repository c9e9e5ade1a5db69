//! Names of BCM's objects. They get into scripts of cmsh, which interprets `;`, `!`, `|`, back-ticks, `#` and blanks, so none of these is
//! part of a valid name.

use crate::ids::{InvalidId, TOKEN, is_token, text_id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

text_id!(/// A software image of BCM.
    ImageName, "image name", is_token, TOKEN);
text_id!(/// A category of nodes in BCM.
    CategoryName, "category name", is_token, TOKEN);
text_id!(/// A background task of CMDaemon.
    BcmTaskId, "task id", is_token, TOKEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cmsh_would_interpret_is_no_name() {
        for (text, ok) in [
            ("default-image", true),
            ("dgx-image-k8s-1.32.9", true),
            ("DGX_image", true),
            ("", false),
            (".hidden", false),
            ("-w", false),
            ("a b", false),
            ("a;commit", false),
            ("a!reboot", false),
            ("a|cat", false),
            ("a`id`", false),
            ("a#b", false),
            ("../x", false),
            ("a/b", false),
            ("a\nb", false),
        ] {
            assert_eq!(ImageName::new(text).is_ok(), ok, "{text:?}");
            assert_eq!(CategoryName::new(text).is_ok(), ok, "{text:?}");
        }
        let error = ImageName::new("a;b").unwrap_err().to_string();
        assert!(error.starts_with("image name \"a;b\" is not valid: expected letters"), "{error}");
    }
}
