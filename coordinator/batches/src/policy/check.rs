//! What a policy must be, beyond what its types say.

use super::{Group, Policy, PolicyError};
use crate::selector::Selector;
use crate::windows::Calendar;
use crate::{Limit, Window};
use jiff::Timestamp;

const NAME: &str = "is no name of a group: expected letters, digits, '-', '_' and '.'";
const SELECTOR: &str = "is no selector: expected labels of a node as key=value, joined by commas, e.g. \"podlift.io/pool=dgx,rack=r1\"";
const CATEGORY: &str = "is no name of a BCM category: expected its name as `cmsh -c \"category; list\"` shows it, e.g. \"dgx-h100\"";
const FAILED: &str =
    "is no number of failed nodes: expected 1 or more, or no max-failed to go on whatever fails";
const OVER: &str = "does not open again: expected a date to come, or days of the week";
const LIMIT: &str =
    "is no limit: expected a number of nodes from 1, or a share from 1% to 100%, e.g. 3 or 5%";
const LABEL: &str =
    "is no key of a label: expected e.g. \"topology.kubernetes.io/rack\", with no space and no '='";
const SOAK: &str = "is given without canary: expected canary = 1 or more beside it, or no time to soak";
const WAIT: &str =
    "is no time to wait: expected at least 1 second, or too-large = \"evict\" to interrupt the gang at once";

impl Policy {
    /// Checks the whole table. The error names the first field that is wrong.
    pub fn validate(&self) -> Result<(), PolicyError> {
        self.max_unavailable.map_or(Ok(()), |limit| limit_is_one("max-unavailable", limit))?;
        for (at, group) in self.groups.iter().enumerate() {
            group.validate(at)?;
            if let Some(first) = self.groups[..at].iter().position(|other| other.name == group.name) {
                return Err(PolicyError::SameName { first, second: at, name: group.name.clone() });
            }
        }
        if let Some(topology) = &self.topology {
            check("topology.label", &topology.label, is_key(&topology.label), LABEL)?;
        }
        valid_windows("windows", &self.windows)?;
        check("gangs.wait-seconds", self.gangs.wait_seconds, self.gangs.wait_seconds > 0, WAIT)
    }

    /// Checks the whole table for a plan at this time: the windows of the policy, and those of each group, must not all lie in the past. A
    /// file is not refused for that when it is read, because it stays where it is after its last window.
    pub fn validate_at(&self, now: Timestamp) -> Result<(), PolicyError> {
        self.validate()?;
        open_again("windows", &self.windows, now)?;
        for (at, group) in self.groups.iter().enumerate() {
            open_again(&format!("groups[{at}].windows"), &group.windows, now)?;
        }
        Ok(())
    }
}

impl Group {
    fn validate(&self, at: usize) -> Result<(), PolicyError> {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = !self.name.is_empty() && self.name.chars().all(letter);
        check(&format!("groups[{at}].name"), &self.name, is_name, NAME)?;
        if self.selector.is_none() && self.category.is_none() {
            return Err(PolicyError::NoMembers { at, name: self.name.clone() });
        }
        if let Some(selector) = &self.selector {
            check(&format!("groups[{at}].selector"), selector, Selector::read(selector).is_some(), SELECTOR)?;
        }
        if let Some(category) = &self.category {
            let is_name =
                !category.is_empty() && !category.contains(|c: char| c.is_whitespace() || c.is_control());
            check(&format!("groups[{at}].category"), category, is_name, CATEGORY)?;
        }
        limit_is_one(&format!("groups[{at}].max-unavailable"), self.max_unavailable)?;
        let soak = self.canary > 0 || self.canary_soak_seconds == 0;
        check(&format!("groups[{at}].canary-soak-seconds"), self.canary_soak_seconds, soak, SOAK)?;
        let failed = self.max_failed.unwrap_or(1);
        check(&format!("groups[{at}].max-failed"), failed, failed > 0, FAILED)?;
        valid_windows(&format!("groups[{at}].windows"), &self.windows)
    }
}

fn valid_windows(field: &str, windows: &[Window]) -> Result<(), PolicyError> {
    windows.iter().enumerate().try_for_each(|(at, window)| window.validate(&format!("{field}[{at}]")))
}

/// One window to come is enough: those that are over do no harm beside it.
fn open_again(field: &str, windows: &[Window], now: Timestamp) -> Result<(), PolicyError> {
    let Some(last) = windows.last() else { return Ok(()) };
    let field = format!("{field}[{}]", windows.len() - 1);
    check(&field, last, Calendar::of(windows).opens_again(now), OVER)
}

/// A limit that was made in code, not read from text, may be anything.
fn limit_is_one(field: &str, limit: Limit) -> Result<(), PolicyError> {
    let fine = match limit {
        Limit::Number(number) => number > 0,
        Limit::Percent(percent) => (1..=100).contains(&percent),
    };
    check(field, limit, fine, LIMIT)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '=' || c == ',')
}

pub(crate) fn check(
    field: &str,
    value: impl ToString,
    fine: bool,
    expected: &'static str,
) -> Result<(), PolicyError> {
    if fine {
        return Ok(());
    }
    Err(PolicyError::Field { field: field.into(), value: value.to_string(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: serde_json::Value) -> Result<Policy, String> {
        let policy: Policy = serde_json::from_value(json).map_err(|e| e.to_string())?;
        policy.validate().map_err(|e| e.to_string())?;
        Ok(policy)
    }

    #[test]
    fn a_policy_is_read_and_written_as_it_was() {
        let all = json!({
            "max-unavailable": "10%", "grow": true, "order": "as-planned",
            "groups": [{"name": "gb200", "selector": "pool=gb200,tier=1", "max-unavailable": "2",
                "canary": 1, "canary-soak-seconds": 3600},
                {"name": "h100", "category": "dgx-h100", "max-unavailable": "50%", "order": "least-loss", "max-failed": 2,
                "windows": [{"date": "2026-12-05", "from": "22:00", "to": "06:00", "zone": "UTC"}]}],
            "topology": {"label": "rack", "take": "one-of-each"},
            "windows": [{"days": ["mon"], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}],
            "gangs": {"too-large": "wait", "wait-seconds": 60}, "failed-checkpoint": "go-on",
            "never-interrupt-seconds": 600
        });
        assert_eq!(serde_json::to_value(read(all.clone()).unwrap()).unwrap(), all);
        assert_eq!(read(json!({})), Ok(Policy::default()));
        let written = serde_json::to_value(Policy::default()).unwrap();
        assert_eq!(read(written), Ok(Policy::default()));
    }

    #[test]
    fn a_wrong_field_is_named_with_its_value_and_what_was_expected() {
        let group = |name: &str, selector: &str, limit: serde_json::Value| json!({"groups": [{"name": name, "selector": selector, "max-unavailable": limit}]});
        let canary = |number: serde_json::Value, soak: u64| json!({"groups": [{"name": "g", "selector": "a=b", "max-unavailable": 1, "canary": number, "canary-soak-seconds": soak}]});
        let own = |field: &str, value: serde_json::Value| json!({"groups": [{"name": "g", "selector": "a=b", "max-unavailable": 1, field: value}]});
        let window = |days: &str, from: &str, to: &str, zone: &str| json!({"windows": [{"days": [days], "from": from, "to": to, "zone": zone}]});
        let wrong = [
            (json!({"max-unavailable": 0}), "\"0\" is no limit: expected a number of nodes from 1"),
            (json!({"max-unavailable": "200%"}), "\"200%\" is no limit: expected"),
            (json!({"max-unavailable": "NaN"}), "\"NaN\" is no limit: expected"),
            (json!({"max-unavailible": 1}), "unknown field `max-unavailible`"),
            (json!({"order": "random"}), "expected `least-loss` or `as-planned`"),
            (group("", "a=b", json!(1)), "groups[0].name: \"\" is no name of a group: expected"),
            (group("g", "a", json!(1)), "groups[0].selector: \"a\" is no selector: expected labels"),
            (group("g", "", json!(1)), "groups[0].selector: \"\" is no selector"),
            (group("g", "a=b", json!("0%")), "\"0%\" is no limit"),
            (canary(json!(-1), 0), "invalid value: integer `-1`, expected u32"),
            (canary(json!("10%"), 0), "invalid type: string \"10%\", expected u32"),
            (
                canary(json!(0), 60),
                "groups[0].canary-soak-seconds: \"60\" is given without canary: expected canary",
            ),
            (
                json!({"groups": [{"name": "g", "max-unavailable": 1}]}),
                "groups[0]: group \"g\" has neither selector nor category: expected selector = \"key=value\", category",
            ),
            (
                own("category", json!("")),
                "groups[0].category: \"\" is no name of a BCM category: expected its name",
            ),
            (
                own("category", json!("dgx h100")),
                "groups[0].category: \"dgx h100\" is no name of a BCM category",
            ),
            (own("category", json!(["a"])), "invalid type: sequence, expected a string"),
            (
                own("max-failed", json!(0)),
                "groups[0].max-failed: \"0\" is no number of failed nodes: expected 1 or more",
            ),
            (own("max-failed", json!("10%")), "invalid type: string \"10%\", expected u32"),
            (own("max-failed", json!(-1)), "invalid value: integer `-1`, expected u32"),
            (own("order", json!("random")), "expected `least-loss` or `as-planned`"),
            (own("max-fail", json!(1)), "unknown field `max-fail`"),
            (
                own(
                    "windows",
                    json!([{"from": "22:00", "to": "23:00", "zone": "UTC"}, {"from": "9:00", "to": "10:00", "zone": "UTC"}]),
                ),
                "groups[0].windows[1].from: \"9:00\" is no time of a day",
            ),
            (
                own("windows", json!([{"from": "22:00", "to": "22:00", "zone": "UTC"}])),
                "groups[0].windows[0].to: \"22:00\" is the time at which the window opens, so it would never be open",
            ),
            (
                json!({"topology": {"label": "rack=1", "take": "one-domain"}}),
                "topology.label: \"rack=1\" is no key of a label",
            ),
            (json!({"topology": {"label": "rack", "take": "all"}}), "expected `one-domain` or `one-of-each`"),
            (json!({"failed-checkpoint": "ignore"}), "expected `stop` or `go-on`"),
            (json!({"gangs": {"wait-seconds": 0}}), "gangs.wait-seconds: \"0\" is no time to wait"),
            (json!({"gangs": {"too-large": "kill"}}), "unknown variant `kill`"),
            (window("monday", "22:00", "06:00", "UTC"), "unknown variant `monday`"),
            (
                window("mon", "22:00", "22:00", "UTC"),
                "windows[0].to: \"22:00\" is the time at which the window opens",
            ),
            (window("mon", "25:00", "06:00", "UTC"), "windows[0].from: \"25:00\" is no time of a day"),
            (
                window("mon", "22:00", "06:00", "Europe/Atlantis"),
                "windows[0].zone: \"Europe/Atlantis\" is no time zone",
            ),
        ];
        for (json, want) in wrong {
            let text = read(json.clone()).expect_err(&json.to_string());
            assert!(text.contains(want), "{json}: {text}");
        }
        let twice = json!({"groups": [
            {"name": "a", "selector": "x=1", "max-unavailable": "1"},
            {"name": "a", "selector": "x=2", "max-unavailable": "1"}]});
        assert!(read(twice).unwrap_err().starts_with("groups[1].name: \"a\" is the name of groups[0]"));
        for limit in [Limit::Number(0), Limit::Percent(0), Limit::Percent(200)] {
            let policy = Policy { max_unavailable: Some(limit), ..Policy::default() };
            let text = policy.validate().unwrap_err().to_string();
            assert!(text.starts_with(&format!("max-unavailable: \"{limit}\" is no limit")), "{text}");
        }
    }

    #[test]
    fn windows_that_do_not_open_again_are_refused_for_a_plan() {
        let once =
            |date: &str| json!({"date": date, "from": "22:00", "to": "06:00", "zone": "Europe/Berlin"});
        let weekly = json!({"days": ["sat"], "from": "22:00", "to": "06:00", "zone": "UTC"});
        let all = |windows: serde_json::Value| json!({"windows": windows});
        let own = |windows: serde_json::Value| {
            json!({"groups": [
            {"name": "a", "selector": "x=1", "max-unavailable": 1},
            {"name": "b", "category": "h100", "max-unavailable": 1, "windows": windows}]})
        };
        let over = |field: &str| {
            format!(
                "{field}: \"2026-11-29 22:00-06:00 Europe/Berlin\" does not open again: expected a date to come, or days of the week"
            )
        };
        // Monday, 30 November 2026, 06:00 in Berlin: the window of Sunday night ends.
        let cases = [
            (all(json!([])), "2026-11-30T05:00:00Z", Ok(())),
            (all(json!([once("2026-11-29")])), "2026-11-30T04:59:59Z", Ok(())),
            (all(json!([once("2026-11-29")])), "2026-11-30T05:00:00Z", Err(over("windows[0]"))),
            (all(json!([once("2026-12-05"), once("2026-11-29")])), "2026-11-30T05:00:00Z", Ok(())),
            (
                all(json!([once("2026-11-28"), once("2026-11-29")])),
                "2026-11-30T05:00:00Z",
                Err(over("windows[1]")),
            ),
            (all(json!([weekly.clone()])), "2026-11-30T05:00:00Z", Ok(())),
            (own(json!([weekly, once("2026-11-29")])), "2026-11-30T05:00:00Z", Ok(())),
            (own(json!([once("2026-11-29")])), "2026-11-30T05:00:00Z", Err(over("groups[1].windows[0]"))),
        ];
        for (json, now, want) in cases {
            let policy = read(json.clone()).unwrap();
            let got = policy.validate_at(now.parse().unwrap()).map_err(|e| e.to_string());
            assert_eq!(got, want, "{json} at {now}");
        }
        let bad = Policy { max_unavailable: Some(Limit::Number(0)), ..Policy::default() };
        assert!(bad.validate_at(Timestamp::UNIX_EPOCH).is_err(), "everything else is checked as well");
    }
}
