//! The splicer: only the planned bytes change, for manifests of any form.

use super::*;
use podlift_model::op::Component;
use proptest::prelude::*;

const EMPTY: &str =
    include_str!("../../../tests/fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml");
const SERVERS: &str = "https://10.77.0.11:2379,https://10.77.0.12:2379";

fn parse(text: &str) -> Manifest {
    Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap()
}

fn edit(text: &str, edits: &[Edit]) -> Result<String, SpliceError> {
    splice(text.as_bytes(), &parse(text), edits).map(|b| String::from_utf8(b).unwrap())
}

fn set() -> Edit {
    Edit::Set { flag: "etcd-servers".into(), value: SERVERS.into() }
}
fn insert() -> Edit {
    Edit::Insert { flag: "etcd-servers".into(), value: SERVERS.into() }
}
fn gate(name: &str) -> Edit {
    Edit::RemoveGate { gate: name.into() }
}

/// Lines that only one of `a` and `b` has.
fn changed<'a>(a: &'a str, b: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let only = |x: &'a str, y: &str| x.lines().filter(|l| !y.lines().any(|m| m == *l)).collect();
    (only(a, b), only(b, a))
}

#[test]
fn the_runbooks_night() {
    let healed = edit(EMPTY, &[set(), gate("MaxUnavailableStatefulSet")]).unwrap();
    let (gone, new) = changed(EMPTY, &healed);
    assert_eq!(gone, ["    - --etcd-servers=", "    - --feature-gates=MaxUnavailableStatefulSet=true"]);
    assert_eq!(new, [format!("    - --etcd-servers={SERVERS}")]);
    assert_eq!(
        edit(&healed, &[set(), gate("MaxUnavailableStatefulSet")]).unwrap(),
        healed,
        "again changes nothing"
    );
}

#[test]
fn a_missing_line_comes_back_in_its_place() {
    let without = EMPTY.replace("    - --etcd-servers=\n", "");
    let healed = edit(&without, &[insert()]).unwrap();
    assert_eq!(healed, EMPTY.replace("--etcd-servers=", &format!("--etcd-servers={SERVERS}")));
    assert!(matches!(edit(EMPTY, &[insert()]), Err(SpliceError::NotOnce(_, 1))));
}

fn shape(items: &str) -> String {
    format!("spec:\n  containers:\n  - name: kube-apiserver\n    image: x:v1.32.9\n    command:{items}\n")
}

#[test]
fn forms_that_are_refused() {
    let cases = [
        ("folded", "\n    - kube-apiserver\n    - >-\n      --etcd-servers="),
        ("anchor of a list", "\n    - kube-apiserver\n    - !!str\n      --etcd-servers="),
        ("twice", "\n    - kube-apiserver\n    - --etcd-servers=\n    - --etcd-servers="),
        ("shell", "\n    - sh\n    - -c\n    - kube-apiserver --etcd-servers="),
    ];
    for (case, items) in cases {
        let text = shape(items);
        match edit(&text, &[set()]) {
            Err(SpliceError::Form(_) | SpliceError::NotOnce(..) | SpliceError::Opaque(_)) => {}
            other => assert_eq!(case, "anchor of a list", "{other:?}"),
        }
    }
    let alias = "x: &a --etcd-servers=\nspec:\n  containers:\n  - name: kube-apiserver\n    image: x:v1\n    command:\n    - *a\n";
    assert!(matches!(edit(alias, &[set()]), Err(SpliceError::Form(_))));
    assert!(matches!(
        edit(EMPTY, &[Edit::Set { flag: "etcd-servers".into(), value: "a\nb".into() }]),
        Err(SpliceError::Form(_))
    ));
}

#[test]
fn every_form_of_a_flag_keeps_its_form() {
    let servers = SERVERS;
    let cases = [
        (
            " [kube-apiserver, \"--etcd-servers=\"]",
            format!(" [kube-apiserver, \"--etcd-servers={servers}\"]"),
        ),
        (" [kube-apiserver, --etcd-servers=]", format!(" [kube-apiserver, '--etcd-servers={servers}']")),
        ("\n    - \"--etcd-servers\\u003d\"", format!("\n    - \"--etcd-servers={servers}\"")),
        ("\n    - !!str --etcd-servers=", format!("\n    - !!str '--etcd-servers={servers}'")),
        ("\n    - &a --etcd-servers=", format!("\n    - &a '--etcd-servers={servers}'")),
        ("\n    - --etcd_servers=", format!("\n    - --etcd_servers={servers}")),
        ("\n    - --etcd-servers\n    - ''", format!("\n    - --etcd-servers\n    - '{servers}'")),
        ("\n    - --v=2\n    - --etcd-servers", format!("\n    - --v=2\n    - --etcd-servers={servers}")),
    ];
    for (before, after) in cases {
        assert_eq!(edit(&shape(before), &[set()]).unwrap(), shape(&after), "{before}");
    }
}

#[test]
fn a_new_flag_goes_among_the_flags_of_the_program_and_nowhere_else() {
    let new = format!("--etcd-servers={SERVERS}");
    let cases = [
        ("\n    - flock\n    - --a\n    - /l\n    - kube-apiserver\n    - --v=2", 4),
        ("\n    - go-runner\n    - --zzz=1\n    - /bin/kube-apiserver\n    args:\n    - --b=1", 4),
        ("\n    - tini\n    - --\n    - kube-apiserver", 3),
        ("\n    - kube-apiserver\n    - --a=1\n    - --\n    - --b=2", 2),
        ("\n    - kube-apiserver\n    - --a\n    - x\n    - '-v'\n    - '2'", 3),
        ("\n    - kube-apiserver\n    - &x --v=2", 1),
    ];
    for (items, at) in cases {
        let after = parse(&edit(&shape(items), &[insert()]).unwrap());
        assert_eq!(after.words[at].value, new, "{items}");
    }
    let flow = [
        (" [kube-apiserver]", format!(" [kube-apiserver, '{new}']")),
        (" [kube-apiserver, \"--a=1\", --v=2]", format!(" [kube-apiserver, \"--a=1\", \"{new}\", --v=2]")),
        (
            " [\n      kube-apiserver,\n      '--a=1',\n    ]",
            format!(" [\n      kube-apiserver,\n      '--a=1', '{new}',\n    ]"),
        ),
    ];
    for (items, want) in flow {
        assert_eq!(edit(&shape(items), &[insert()]).unwrap(), shape(&want), "{items}");
    }
    let folded = "\n    - >-\n      kube-apiserver";
    assert!(matches!(edit(&shape(folded), &[insert()]), Err(SpliceError::Form(_))));
}

#[test]
fn a_manifest_in_json_is_healed_in_json() {
    let json = |flags: &str| {
        format!(
            r#"{{"kind":"Pod","spec":{{"containers":[{{"name":"kube-apiserver","image":"x:v1.32.9","command":["kube-apiserver"{flags}]}}]}}}}"#
        )
    };
    let healed = edit(&json(r#","--v=2","--etcd-servers=""#), &[set()]).unwrap();
    assert_eq!(healed, json(&format!(r#","--v=2","--etcd-servers={SERVERS}""#)));
    let healed = edit(&json(r#","--v=2""#), &[insert()]).unwrap();
    assert_eq!(healed, json(&format!(r#", "--etcd-servers={SERVERS}","--v=2""#)));
    let healed = edit(&json(r#", "--feature-gates=KMSv2=true","--v=2""#), &[gate("KMSv2")]).unwrap();
    assert_eq!(healed, json(r#","--v=2""#));
}

#[test]
fn values_that_need_quotes_get_them_as_kubeadm_writes_them() {
    let cases = [
        ("a: b", "'--etcd-servers=a: b'"),
        ("a #b", "'--etcd-servers=a #b'"),
        ("https://a:", "'--etcd-servers=https://a:'"),
        ("it's", "'--etcd-servers=it''s'"),
        ("\"a\"", "'--etcd-servers=\"a\"'"),
        ("a\\b", "'--etcd-servers=a\\b'"),
        ("a ", "'--etcd-servers=a '"),
        ("*a", "--etcd-servers=*a"),
        ("[fd00::1]:2379", "--etcd-servers=[fd00::1]:2379"),
    ];
    let form = "\n    - kube-apiserver\n    - --etcd-servers=";
    for (value, want) in cases {
        let edits = [Edit::Set { flag: "etcd-servers".into(), value: value.into() }];
        let after = edit(&shape(form), &edits).unwrap();
        assert_eq!(after, shape(&format!("\n    - kube-apiserver\n    - {want}")));
    }
    // A separate word may look like something else than text.
    let words = "\n    - kube-apiserver\n    - --etcd-servers\n    - x";
    for value in
        ["true", "12", "~", "", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "- a", "a, b", "{a", "yes"]
    {
        let edits = [Edit::Set { flag: "etcd-servers".into(), value: value.into() }];
        let after = parse(&edit(&shape(words), &edits).unwrap());
        assert_eq!(after.words[2].value, value);
    }
    let double = "\n    - kube-apiserver\n    - \"--etcd-servers=\"";
    let edits = [Edit::Set { flag: "etcd-servers".into(), value: "a\"b\\c".into() }];
    let after = edit(&shape(double), &edits).unwrap();
    assert!(after.contains("\"--etcd-servers=a\\\"b\\\\c\""), "{after}");
}

#[test]
fn a_gate_goes_from_every_form_of_the_flag() {
    let cases = [
        ("- --feature_gates=KMSv2=true,A=true", "- --feature_gates=A=true"),
        ("- --feature-gates\n    - KMSv2=true,A=true", "- --feature-gates\n    - A=true"),
        ("- --a=1\n    - --feature-gates\n    - kube:KMSv2=true", "- --a=1"),
        (
            "- --feature-gates=KMSv2=true\n    - --feature-gates=A=true,KMSv2=false",
            "- --feature-gates=A=true",
        ),
    ];
    for (before, after) in cases {
        let whole = |flags: &str| shape(&format!("\n    - kube-apiserver\n    {flags}"));
        assert_eq!(edit(&whole(before), &[gate("KMSv2")]).unwrap(), whole(after), "{before}");
    }
}

/// How a generated manifest is written.
#[derive(Debug, Clone)]
struct Style {
    crlf: bool,
    final_newline: bool,
    indent: usize,
    quote: Option<char>,
    comment: &'static str,
    args_last: bool,
}

fn style() -> impl Strategy<Value = Style> {
    let quote = prop_oneof![Just(None), Just(Some('\'')), Just(Some('"'))];
    let comment = prop_oneof![Just(""), Just(" # ü: bemerkung"), Just("   ")];
    (any::<bool>(), any::<bool>(), 0usize..4, quote, comment, any::<bool>()).prop_map(
        |(crlf, final_newline, indent, quote, comment, args_last)| Style {
            crlf,
            final_newline,
            indent,
            quote,
            comment,
            args_last,
        },
    )
}

fn render(style: &Style, flags: &[String]) -> String {
    let q = |s: &str| style.quote.map_or(s.to_string(), |q| format!("{q}{s}{q}"));
    let pad = " ".repeat(style.indent);
    let mut list = format!("    command:\n{pad}    - kube-apiserver\n");
    for flag in flags {
        list += &format!("{pad}    - {}{}\n", q(flag), style.comment);
    }
    let image = "    image: registry.k8s.io/kube-apiserver:v1.32.9\n    name: kube-apiserver\n";
    let head = "# größe\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n";
    let body = if style.args_last { format!("{image}{list}") } else { format!("{list}{image}") };
    let mut text = format!("{head}{}", body.replacen("    ", "  - ", 1));
    if !style.final_newline {
        text.pop();
    }
    if style.crlf { text.replace('\n', "\r\n") } else { text }
}

fn others() -> impl Strategy<Value = Vec<String>> {
    let flag = prop_oneof![
        Just("--advertise-address=10.0.0.1"),
        Just("--secure-port=6443"),
        Just("--v=2"),
        Just("--audit-log-path=-")
    ];
    proptest::collection::btree_set(flag, 0..4).prop_map(|set| set.into_iter().map(String::from).collect())
}

proptest! {
    #[test]
    fn setting_changes_that_line_only(style in style(), others in others(), at in 0usize..5, old in prop_oneof![Just(""), Just("https://x:1")]) {
        let mut flags = others;
        let at = at.min(flags.len());
        flags.insert(at, format!("--etcd-servers={old}"));
        let before = render(&style, &flags);
        flags[at] = format!("--etcd-servers={SERVERS}");
        let after = edit(&before, &[set()]).unwrap();
        prop_assert_eq!(&after, &render(&style, &flags));
        prop_assert_eq!(edit(&after, &[set()]).unwrap(), after);
    }

    #[test]
    fn one_gate_goes_wherever_it_stands(style in style(), others in others(), at in 0usize..5, left in 0usize..3, right in 0usize..3) {
        let name = |i: usize| format!("Gate{i}=true");
        let mut gates: Vec<String> = (0..left + right).map(name).collect();
        gates.insert(left, "kube:KMSv2=true".into());
        let mut flags = others;
        let at = at.min(flags.len());
        flags.insert(at, format!("--feature-gates={}", gates.join(",")));
        let before = render(&style, &flags);
        gates.remove(left);
        if gates.is_empty() {
            flags.remove(at);
        } else {
            flags[at] = format!("--feature-gates={}", gates.join(","));
        }
        let after = edit(&before, &[gate("KMSv2")]).unwrap();
        // The last line is removed with its end of line.
        let want = render(&style, &flags);
        prop_assert_eq!(after.trim_end(), want.trim_end());
        prop_assert_eq!(edit(&after, &[gate("KMSv2")]).unwrap(), after);
    }

    #[test]
    fn inserting_adds_one_line_and_takes_none(style in style(), others in others()) {
        prop_assume!(!others.is_empty());
        let before = render(&style, &others);
        let after = edit(&before, &[insert()]).unwrap();
        let mut flags = others;
        let at = flags.iter().position(|f| f.as_str() > "--etcd-servers").unwrap_or(flags.len());
        flags.insert(at, format!("--etcd-servers={SERVERS}"));
        let plain = |text: &str| text.replace(style.comment, "");
        prop_assert_eq!(plain(&after), plain(&render(&style, &flags)));
        prop_assert!(after.lines().count() == before.lines().count() + 1);
    }

    #[test]
    fn damage_never_panics(cut in 0usize..4200, junk in ".{0,6}") {
        let mut text = EMPTY.to_string();
        let at = text.floor_char_boundary(cut.min(text.len()));
        text.insert_str(at, &junk);
        if let Ok(manifest) = Manifest::parse(Component::KubeApiserver, text.as_bytes()) {
            drop(splice(text.as_bytes(), &manifest, &[set(), gate("MaxUnavailableStatefulSet")]));
        }
    }
}
