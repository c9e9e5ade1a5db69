//! The selector as a table: what it accepts, and what it refuses at which position.

use super::*;

fn keys(pairs: &[(&str, &str)]) -> Keys {
    pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

#[test]
fn what_matches() {
    let row = keys(&[
        ("role", "worker"),
        ("state", "failed"),
        ("topology.kubernetes.io/zone", "r7"),
        ("empty", ""),
    ]);
    for (text, want) in [
        ("role=worker", true),
        ("role==worker", true),
        (" role = worker , state = failed ", true),
        ("role=worker,state=upgraded", false),
        ("role!=worker", false),
        ("role!=control-plane", true),
        ("absent!=x", true),
        ("absent=x", false),
        ("state in (failed, waiting)", true),
        ("state in(waiting)", false),
        ("state notin (upgraded,pending),role", true),
        ("state notin (failed)", false),
        ("absent notin (x)", true),
        ("role", true),
        ("absent", false),
        ("!absent", true),
        ("!role", false),
        ("! absent", true),
        ("topology.kubernetes.io/zone in (r6,r7)", true),
        ("empty=", true),
        ("empty in ()", true),
        ("role=,state=failed", false),
        ("in in (x)", false),
    ] {
        assert_eq!(text.parse::<Selector>().map(|s| s.matches(&row)), Ok(want), "{text}");
    }
}

#[test]
fn what_is_refused_and_where() {
    for (text, position, found, expected) in [
        ("", 1, "the end", "a key"),
        ("role=worker,", 13, "the end", "a key"),
        ("=worker", 1, "'='", "a key"),
        ("role worker", 6, "'w'", "=, ==, !=, in (…), notin (…), a comma or the end"),
        ("role in worker", 9, "'w'", "( before the values"),
        ("role in (worker", 16, "the end", "a comma or ) after the values"),
        ("role=worker state=failed", 13, "'s'", "a comma or the end"),
        ("role=a=b", 7, "'='", "a comma or the end"),
        ("rôle=x", 2, "'ô'", "=, ==, !=, in (…), notin (…), a comma or the end"),
        ("!", 2, "the end", "a key"),
        ("a,,b", 3, "','", "a key"),
        ("role>3", 5, "'>'", "=, ==, !=, in (…), notin (…), a comma or the end"),
    ] {
        let error = text.parse::<Selector>().unwrap_err();
        assert_eq!(
            (error.position, error.found.as_str(), error.expected),
            (position, found, expected),
            "{text}"
        );
    }
}
