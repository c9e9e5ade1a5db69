//! Random manifests: for every damage only planned bytes change, and a right manifest is left alone.

use super::*;
use proptest::prelude::*;

/// Legitimate changes that people and kubeadm make.
#[derive(Debug, Clone)]
enum Change {
    Flag(usize, u32),
    Image(u16),
    Comment(usize),
    Crlf,
    Endpoint(u8),
    Drop(usize),
    Resources(u32),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0usize..60, any::<u32>()).prop_map(|(at, n)| Change::Flag(at, n)),
        (0u16..20).prop_map(Change::Image),
        (0usize..100).prop_map(Change::Comment),
        Just(Change::Crlf),
        any::<u8>().prop_map(Change::Endpoint),
        (0usize..60).prop_map(Change::Drop),
        any::<u32>().prop_map(Change::Resources),
    ]
}

fn is_flag(line: &str) -> bool {
    line.trim_start().starts_with("- --")
}

fn apply(text: &str, change: &Change) -> String {
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let flags: Vec<usize> = (0..lines.len()).filter(|i| is_flag(&lines[*i])).collect();
    match change {
        Change::Flag(at, n) => lines.insert(flags[at % flags.len()], format!("    - --x-{n}=1")),
        Change::Image(patch) => return text.replace("v1.31.14", &format!("v1.31.{patch}")),
        Change::Comment(at) => lines.insert(at % lines.len(), "# by hand".into()),
        Change::Crlf => return text.replace('\n', "\r\n"),
        Change::Endpoint(n) => return text.replace("10.77.0.13:2379", &format!("10.77.9.{n}:2379")),
        // Never the endpoints, whose loss the heal repairs.
        Change::Drop(at) => {
            let at = flags[at % flags.len()];
            if !lines[at].contains("etcd-servers") {
                lines.remove(at);
            }
        }
        Change::Resources(n) => return text.replace("cpu: 250m", &format!("cpu: {n}m")),
    }
    lines.iter().map(|l| format!("{l}\n")).collect()
}

/// Lines that the other text lacks; ends of line are ignored.
fn only(a: &str, b: &str) -> Vec<String> {
    let theirs: Vec<&str> = b.lines().collect();
    a.lines().filter(|l| !theirs.contains(l)).map(|l| l.trim().to_string()).collect()
}

fn steady() -> (Bench, Heal) {
    let mut b = bench();
    (b.settings.fight_limit, b.settings.budget_per_hour) = (u32::MAX, u32::MAX);
    let heal = knowing(&b);
    (b, heal)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Legitimate changes cause no heal.
    #[test]
    fn what_is_legitimate_is_left_alone(changes in proptest::collection::vec(change(), 1..4)) {
        let (b, heal) = steady();
        let text = changes.iter().fold(LIVE_API.to_string(), |text, c| apply(&text, c));
        b.files.put(api(), text.as_bytes());
        look(&heal);
        prop_assert_eq!(b.files.text(api()), text);
        prop_assert_eq!(heal.pending().len(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// The effect of every rule on a manifest that also has changes made by hand.
    #[test]
    fn only_planned_lines_change(
        changes in proptest::collection::vec(change(), 0..3),
        crlf in any::<bool>(),
        armed in any::<bool>(),
        site in any::<bool>(),
        fatal in any::<bool>(),
        missing in any::<bool>(),
    ) {
        let (b, heal) = steady();
        if armed {
            heal.arm(&run(), 60, &[]).unwrap();
        }
        let changes = changes.iter().filter(|c| !matches!(c, Change::Crlf | Change::Image(_) | Change::Drop(_)));
        let base = changes.fold(EMPTY_API.to_string(), |text, c| apply(&text, c));
        let gates = match (site, fatal) {
            (true, true) => "    - --feature-gates=KMSv2=true,MaxUnavailableStatefulSet=true,Fine=true\n",
            (true, false) => "    - --feature-gates=MaxUnavailableStatefulSet=true\n",
            (false, true) => "    - --feature-gates=KMSv2=true\n",
            (false, false) => "",
        };
        let base = base.replace("    - --feature-gates=MaxUnavailableStatefulSet=true\n", gates);
        let base = if missing { base.replace("    - --etcd-servers=\n", "") } else { base };
        let broken = if crlf { base.replace('\n', "\r\n") } else { base };
        b.files.put(api(), broken.as_bytes());
        look(&heal);
        let healed = b.files.text(api());
        let mut planned = vec![format!("- --etcd-servers={SERVERS}")];
        match (site, fatal, armed) {
            (true, true, true) => planned.push("- --feature-gates=Fine=true".into()),
            (true, true, false) => planned.push("- --feature-gates=MaxUnavailableStatefulSet=true,Fine=true".into()),
            _ => {}
        }
        prop_assert_eq!(only(&healed, &broken), planned);
        let gone = only(&broken, &healed);
        prop_assert!(gone.iter().all(|l| l.starts_with("- --feature-gates=") || l == "- --etcd-servers="), "{:?}", gone);
        prop_assert_eq!(healed.matches("\r\n").count() > 0, crlf);
        prop_assert_eq!(healed.matches('\n').count() == healed.matches("\r\n").count(), crlf);
        look(&heal);
        prop_assert_eq!(b.files.text(api()), healed, "and again changes nothing");
    }

    /// Any damage: no panic, and the result can be parsed.
    #[test]
    fn damage_is_left_or_replaced_by_something_whole(at in 0usize..4200, junk in proptest::collection::vec(any::<u8>(), 0..40), armed in any::<bool>()) {
        let (b, heal) = steady();
        if armed {
            heal.arm(&run(), 60, &[]).unwrap();
        }
        let mut bytes = EMPTY_API.as_bytes().to_vec();
        let at = at.min(bytes.len());
        bytes.splice(at..at, junk);
        b.files.put(api(), &bytes);
        look(&heal);
        let now = b.files.read(&api()).unwrap();
        let seen = crate::read::see(API, &now).0;
        prop_assert!(now == bytes || matches!(seen, crate::rules::Seen::Manifest(_)), "{:?}", seen);
    }
}
