//! `podlift validate -o junit`: a test case for each check, as CI systems read it.

use podlift_engine::program::Severity;
use podlift_engine::validate::{Checked, Outcome, Validation};
use std::fmt::Write as _;

pub(crate) fn junit(seen: &Validation) -> String {
    let counts = &seen.counts;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, failed, open) = (seen.checks.len(), counts.failed, counts.open);
    let _ = writeln!(
        out,
        "<testsuite name=\"podlift validate\" tests=\"{tests}\" failures=\"{failed}\" skipped=\"{open}\" errors=\"0\" timestamp=\"{}\">",
        seen.at.strftime("%Y-%m-%dT%H:%M:%S")
    );
    seen.checks.iter().for_each(|check| out += &case(check));
    out + "</testsuite>\n"
}

/// An open check is skipped: it has neither passed nor failed.
fn case(check: &Checked) -> String {
    let name = format!("classname=\"podlift.{}\" name=\"{}\"", check.group.name(), escaped(&check.id));
    let first = check.evidence.first().map_or(check.title.as_str(), String::as_str);
    let mut text = check.evidence.join("\n");
    if !check.next.is_empty() {
        let _ = write!(text, "\nnext: {}", check.next);
    }
    let (message, text) = (escaped(first), escaped(&text));
    match check.result {
        Outcome::Passed => format!("  <testcase {name}/>\n"),
        Outcome::Open => {
            format!("  <testcase {name}>\n    <skipped message=\"{message}\"/>\n  </testcase>\n")
        }
        Outcome::Failed => format!(
            "  <testcase {name}>\n    <failure type=\"{}\" message=\"{message}\">{text}</failure>\n  </testcase>\n",
            severity(check.severity)
        ),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker => "blocker",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// For text and attributes. Characters that XML 1.0 does not allow at all, such as those of colours, become `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c < ' ' || c == '\u{FFFE}' || c == '\u{FFFF}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::validate::tests::{checked, seen};

    #[test]
    fn each_check_is_a_case_and_what_is_open_is_skipped() {
        let mut bad = checked("site:disk", Outcome::Failed, "df -h");
        bad.evidence = vec!["<full> & \"hot\" \u{1b}[31mred".into(), "second".into()];
        let all = seen(vec![checked("dns", Outcome::Passed, ""), checked("storage", Outcome::Open, ""), bad]);
        let want = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="podlift validate" tests="3" failures="1" skipped="1" errors="0" timestamp="2026-11-22T06:00:00">
  <testcase classname="podlift.network" name="dns"/>
  <testcase classname="podlift.network" name="storage">
    <skipped message="evidence of storage"/>
  </testcase>
  <testcase classname="podlift.network" name="site:disk">
    <failure type="blocker" message="&lt;full&gt; &amp; &quot;hot&quot; ?[31mred">&lt;full&gt; &amp; &quot;hot&quot; ?[31mred&#10;second&#10;next: df -h</failure>
  </testcase>
</testsuite>
"#;
        assert_eq!(junit(&all), want);
    }
}
