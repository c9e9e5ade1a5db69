//! `du`: bytes of an image's files. It reads every folder, which takes minutes for a large image that is not in memory.

use crate::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use std::time::Duration;

/// For a copy, which needs the size.
pub const LONG: Duration = Duration::from_secs(1800);
/// For a look, which is answered without it after that.
pub const SHORT: Duration = Duration::from_secs(600);

pub async fn look(host: &Host, path: &str, limit: Duration) -> Result<u64, Failure> {
    let call = Invocation::new("du", ["-s", "-x", "--block-size=1", path]).timeout(limit);
    let text = must(host, &call).await?;
    parse(&text).ok_or_else(|| Failure::transient("du-failed", format!("du of {path} printed {text:?}")))
}

/// `123456<TAB>/cm/images/x`.
fn parse(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, said};

    #[tokio::test]
    async fn bytes_of_a_folder() {
        let fakes = Fakes::new(|_| said("21474836480\t/cm/images/x\n"));
        assert_eq!(look(&fakes.host, "/cm/images/x", SHORT).await, Ok(20 << 30));
        assert_eq!(fakes.commands.calls(), ["du -s -x --block-size=1 /cm/images/x"]);
        let odd = Fakes::new(|_| said("\n"));
        assert!(look(&odd.host, "/cm/images/x", LONG).await.is_err());
    }
}
