//! `podlift issues`: a page of text for each known issue.

use crate::out::Screen;
use crate::table::wrapped;
use podlift_engine::issues::{IssueName, page};
use podlift_engine::program::Item;
use serde_json::{Value, json};

pub(crate) fn pages(all: &[IssueName], screen: Screen) -> String {
    let pages: Vec<String> = all.iter().map(|issue| wrapped(&one(*issue), screen)).collect();
    pages.join("\n\n")
}

fn one(issue: IssueName) -> String {
    let text = page(issue);
    let mut out = format!(
        "{issue}\n  why:     {}\n  costs:   {}\n  repair:  {}",
        text.explains, text.means, text.repairs
    );
    if let Some(item) = text.asks {
        out += &format!("\n  asks:    {}", asks(item));
    }
    out
}

/// The command that a person gives, and when it is needed.
fn asks(item: &str) -> String {
    let always = item.parse::<Item>().is_ok_and(Item::is_always_asked);
    let when = match always {
        true => "always",
        false => "if the table [issues] of policy.toml asks for it",
    };
    format!("podlift approve {item}, {when}")
}

/// The same as data.
pub(crate) fn document(all: &[IssueName]) -> Value {
    let one = |issue: &IssueName| {
        let text = page(*issue);
        json!({
            "issue": issue.name(),
            "explains": text.explains,
            "means": text.means,
            "repairs": text.repairs,
            "asks": text.asks,
            "always_asks": text.asks.and_then(|item| item.parse::<Item>().ok()).is_some_and(Item::is_always_asked),
        })
    };
    json!({ "schema": "podlift.issues/v1", "issues": all.iter().map(one).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_issue_has_its_page_and_each_item_that_it_asks_for_exists() {
        let screen = Screen { width: Some(100), height: None, colour: false };
        let text = pages(&IssueName::ALL, screen);
        for issue in IssueName::ALL {
            assert!(text.contains(&format!("{issue}\n  why:")), "{text}");
            if let Some(item) = page(issue).asks {
                assert!(item.parse::<Item>().is_ok(), "{issue} asks for {item:?}, which is no item");
                assert!(text.contains(&format!("podlift approve {item}")), "{text}");
            }
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(text.matches("  costs:").count(), 5);
        let tigera = one(IssueName::CalicoOperator);
        assert!(tigera.contains("asks:    podlift approve tigera-removal, always"), "{tigera}");
        let data = document(&[IssueName::IngressTls]);
        assert_eq!(
            (data["issues"].as_array().unwrap().len(), &data["issues"][0]["issue"]),
            (1, &"ingress-tls".into())
        );
    }
}
