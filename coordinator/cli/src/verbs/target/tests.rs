//! The arguments become the options of a plan.

use super::*;
use clap::{Args as _, Command, Parser};
use podlift_engine::program;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    target: Target,
}

fn options(line: &[&str]) -> RunOptions {
    let words = ["plan"].iter().chain(line);
    let target = Line::try_parse_from(words).unwrap_or_else(|e| panic!("{line:?}: {e}")).target;
    target.query(Goal::Repair).options
}

#[test]
fn a_plan_from_a_file_excludes_every_argument() {
    let command = Target::augment_args(Command::new("plan"));
    let mut arguments: Vec<&str> = command.get_arguments().map(|a| a.get_id().as_str()).collect();
    let mut names = NAMES.to_vec();
    arguments.sort_unstable();
    names.sort_unstable();
    assert_eq!(arguments, names);
}

#[test]
fn what_is_not_typed_is_left_to_the_rules_of_the_site() {
    assert_eq!(options(&[]), RunOptions::default());
}

#[test]
fn each_argument_of_the_order_is_an_option_of_the_plan() {
    let typed = [
        "--canary",
        "2",
        "--canary-soak",
        "30m",
        "--grow",
        "--order",
        "as-planned",
        "--window",
        "fri,sat 22:00-06:00 Europe/Berlin",
        "--window",
        "22:00-06:00 UTC",
    ];
    let options = options(&typed);
    assert_eq!((options.canary, options.canary_soak_seconds), (Some(2), Some(1800)));
    assert_eq!((options.grow, options.order), (Some(true), Some(program::Order::AsPlanned)));
    let windows: Vec<String> = options.windows.iter().map(ToString::to_string).collect();
    assert_eq!(windows, ["fri,sat 22:00-06:00 Europe/Berlin", "22:00-06:00 UTC"]);
}

#[test]
fn a_rule_of_the_site_can_be_turned_off() {
    let options = options(&["--grow=false", "--canary", "0", "--order", "least-loss"]);
    assert_eq!((options.grow, options.canary), (Some(false), Some(0)));
    assert_eq!(options.order, Some(program::Order::LeastLoss));
}

#[test]
fn a_value_that_is_wrong_is_named_with_what_was_expected() {
    for (line, parts) in [
        (["--canary", "many"], ["'many'", "expected a number of workers"]),
        (["--canary-soak", "30"], ["'30'", "for example 90s, 30m or 2h"]),
        (["--order", "random"], ["'random'", "least-loss"]),
        (["--window", "at night"], ["at night", "expected"]),
        (["--window", "22:00-06:00 Mars/Phobos"], ["Mars/Phobos", "Europe/Berlin"]),
    ] {
        let words = ["plan"].iter().chain(&line);
        let error = Line::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        for part in parts {
            assert!(error.to_string().contains(part), "{line:?}: {error}");
        }
    }
}
