//! `softwareimage lock|unlock|islocked`: requests for a locked image wait. The form of the answer is not documented, so only a clear word
//! counts.

use super::cmsh;
use super::{lines, odd, printed, short, table};
use podlift_host::Host;
use podlift_model::Failure;
use podlift_model::bcm::ImageName;

/// Whether the image is locked.
pub async fn look(host: &Host, image: &ImageName) -> Result<bool, Failure> {
    let text = printed(host, cmsh::script(&format!("softwareimage islocked {image}"))).await?;
    parse(&text, image).map_err(odd)
}

/// Locks or unlocks the image. Only `look` shows whether that worked.
pub async fn set(host: &Host, image: &ImageName, locked: bool) -> Result<String, Failure> {
    let verb = if locked { "lock" } else { "unlock" };
    super::told(host, cmsh::script(&format!("softwareimage {verb} {image}"))).await
}

/// Reads `no`, `locked`, `dgx-image  no` and a table with such a row.
fn parse(text: &str, image: &ImageName) -> Result<bool, String> {
    // One row answers for the image that was asked for, also if its name is cut.
    if let Ok(rows) = table::rows(text, &["locked"])
        && let [row] = rows.as_slice()
        && let Some(found) = locked(&row[0])
    {
        return Ok(found);
    }
    let of_image = |line: &&str| line.split([' ', '|', ':']).any(|word| word == image.as_str());
    let named: Vec<&str> = lines::of(text).filter(of_image).collect();
    // A line that does not name the image counts only if it is the answer alone: an error has more words.
    let alone = || lines::of(text).filter(|line| !line.trim().contains(' ')).collect();
    let lines: Vec<&str> = if named.is_empty() { alone() } else { named };
    let found: Vec<bool> = lines.iter().filter_map(|line| locked(line)).collect();
    match (found.first(), found.iter().all(|f| Some(f) == found.first())) {
        (Some(locked), true) => Ok(*locked),
        _ => Err(format!("it does not say whether {image} is locked: {}", short(text))),
    }
}

fn locked(line: &str) -> Option<bool> {
    let line = line.to_lowercase();
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    match words.last().copied() {
        Some("no" | "false" | "unlocked") => Some(false),
        Some("yes" | "true") => Some(true),
        Some("locked") => Some(!words.contains(&"not")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_word_counts() {
        let image: ImageName = "dgx-image".parse().unwrap();
        for (text, want) in [
            ("no\n", Some(false)),
            ("yes\n", Some(true)),
            ("dgx-image is not locked\n", Some(false)),
            ("dgx-image: locked\n", Some(true)),
            ("Image      Locked\n---------- ------\ndgx-image  no\n", Some(false)),
            ("Image      Locked\n---------- ------\ndgx-image  yes\n", Some(true)),
            ("Image  Locked By\n------ ------ ----\ndgx-im no     root\n", Some(false)),
            ("Name|Locked\ndgx-i|yes\n", Some(true)),
            ("other      yes\ndgx-image  no\n", Some(false)),
            ("unlocked\n", Some(false)),
            ("dgx-image yes\ndgx-image no\n", None),
            ("", None),
            ("Error: no connection to CMDaemon\n", None),
            ("No software image with name dgx-image\n", None),
            ("Command 'islocked' is unknown\n", None),
        ] {
            assert_eq!(parse(text, &image).ok(), want, "{text}");
        }
    }
}
