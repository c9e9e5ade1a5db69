//! `containerd --version` and `containerd config dump`.

use super::must;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;

pub async fn version(host: &Host) -> Result<String, Failure> {
    let text = must(host, &Invocation::new("containerd", ["--version"])).await?;
    parse(&text).ok_or_else(|| {
        let message = "`containerd --version` printed no version that podlift knows; its words are below";
        Failure::operator("containerd-answer", message).with_detail(&text)
    })
}

/// The configuration with all defaults and imports, as the installed containerd would start with it.
pub async fn dump(host: &Host) -> Result<toml::Table, Failure> {
    let text = must(host, &Invocation::new("containerd", ["config", "dump"])).await?;
    text.parse::<toml::Table>().ok().filter(|table| table.contains_key("plugins")).ok_or_else(|| {
        let message =
            "`containerd config dump` printed no configuration that podlift knows; its words are below";
        Failure::operator("containerd-answer", message).with_detail(&text)
    })
}

/// Reads `containerd containerd.io 1.7.12 71909c1…` or `containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7…`.
fn parse(text: &str) -> Option<String> {
    let word = text.split_whitespace().skip(2).map(|w| w.trim_start_matches('v'));
    word.take(1).find(|w| w.starts_with(|c: char| c.is_ascii_digit())).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_word() {
        let cases = [
            ("containerd containerd.io 1.7.12 71909c1814c544ac47ab91d2e8b84718e517bb99\n", Some("1.7.12")),
            ("containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4\n", Some("2.1.4")),
            ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1\n", Some("1.6.20~ds1")),
            ("containerd github.com/containerd/containerd unknown\n", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).as_deref(), want, "{text}");
        }
    }
}
