//! The kubelet's treatment of texts as a table: the decoded result, or that it fails. From its decoder's rules (go-yaml v2, not strict, and
//! JSON into the types of a pod).

use super::*;
use crate::manifest::{Manifest, ManifestError};
use podlift_model::op::Component;

/// The kubelet's verdict, and how certain it is.
#[derive(Debug, PartialEq, Eq)]
enum Kubelet {
    /// It runs the API server with these words.
    Runs(&'static str),
    /// It can't read the text, and that needs no evidence.
    Never,
    /// The kubelet either can't read the text, or can although podlift can't: the runtime is asked.
    Perhaps,
}
use Kubelet::{Never, Perhaps, Runs};

fn verdict(text: &[u8]) -> Result<String, bool> {
    let manifest = Manifest::parse(Component::KubeApiserver, text);
    manifest.map(|m| m.values().collect::<Vec<_>>().join(" ")).map_err(|e| e.is_certain())
}

fn check(case: &str, text: &[u8], want: &Kubelet) {
    let is = verdict(text);
    let right = match want {
        Runs(words) => is == Ok((*words).to_string()),
        Never => is == Err(true),
        Perhaps => is == Err(false),
    };
    assert!(right, "{case}: {want:?}, and podlift: {is:?}");
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-apiserver\nspec:\n  containers:\n  - name: kube-apiserver\n    image: x:v1.32.9\n    command:\n    - kube-apiserver\n    - --v=2\n";
const RUNS: Kubelet = Runs("kube-apiserver --v=2");

#[test]
fn documents_keys_and_forms() {
    let more = |tail: &str| format!("{POD}{tail}");
    let word = |word: &str| POD.replace("--v=2", word);
    let cases: [(&str, String, Kubelet); 36] = [
        ("plain", POD.into(), RUNS),
        ("a marker at the end", more("---\n"), RUNS),
        ("a marker without its end of line", more("---"), RUNS),
        ("a marker in front", format!("---\n{POD}"), RUNS),
        ("comments and a marker in front", format!("# x\n\n--- # y\n{POD}"), RUNS),
        ("the end of a document", more("...\nwhatever: {[\n"), RUNS),
        ("a second document", more("---\nkind: Pod\nmetadata: {name: other}\n"), RUNS),
        ("a second document that is broken", more("---\n\t{[\n"), RUNS),
        ("nothing in the first document", format!("---\n---\n{POD}"), Never),
        ("a byte order mark", format!("\u{feff}{POD}"), RUNS),
        ("windows' ends of lines", POD.replace('\n', "\r\n"), RUNS),
        ("a doubled key", more("  hostNetwork: true\n  hostNetwork: true\n"), RUNS),
        ("a doubled image", more("    image: y:v1\n    image: z:v1\n"), RUNS),
        ("doubled words", more("    command: [kube-apiserver, --v=4]\n"), Runs("kube-apiserver --v=4")),
        ("an unknown field", more("  whatever: [1, {a: b}]\n"), RUNS),
        ("null for a map", POD.replace("metadata:\n", "metadata:\n  annotations:\n"), RUNS),
        ("null for a text in a map", POD.replace("metadata:\n", "metadata:\n  annotations:\n    a:\n"), RUNS),
        (
            "a number in a map of texts",
            POD.replace("metadata:\n", "metadata:\n  annotations:\n    a: 1\n"),
            Perhaps,
        ),
        ("null for volumes", more("  volumes:\n"), RUNS),
        ("booleans of YAML 1.1", more("  hostNetwork: yes\n"), RUNS),
        ("null for a word", word("~"), Runs("kube-apiserver ")),
        ("nothing for a word", word(""), Runs("kube-apiserver ")),
        ("a number for a word", word("123"), Perhaps),
        ("a mapping for a word", word("--v: 4"), Perhaps),
        ("a boolean for a word", word("on"), Perhaps),
        ("another boolean for a word", word("y"), Perhaps),
        ("a quoted boolean", word("'on'"), Runs("kube-apiserver on")),
        ("a tagged number", word("!!str 123"), Runs("kube-apiserver 123")),
        ("a time is text", word("2001-01-01"), Runs("kube-apiserver 2001-01-01")),
        (
            "an alias",
            POD.replace("x:v1.32.9", "&i x:v1.32.9").replace("--v=2", "*i"),
            Runs("kube-apiserver x:v1.32.9"),
        ),
        ("a tab for indentation", POD.replace("    - --v=2", "\t- --v=2"), Perhaps),
        ("a list of pods", "apiVersion: v1\nkind: List\nitems: []\n".into(), Perhaps),
        ("another version", POD.replace("apiVersion: v1", "apiVersion: v2"), Perhaps),
        ("text", "it works\n".into(), Never),
        ("a list", "- a\n- b\n".into(), Never),
        ("only comments", "# a\n\n# b\n".into(), Never),
    ];
    for (case, text, want) in &cases {
        check(case, text.as_bytes(), want);
    }
}

#[test]
fn json_and_bytes() {
    let json = r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"kube-apiserver","image":"x:v1","command":["kube-apiserver","--v=2"]}]}}"#;
    let tabbed = json
        .replace("\"spec\"", "\n\t\"spec\"")
        .replace("[{", "[\n\t\t{")
        .replace("\"image\":", "\"image\":\t");
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(POD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let cases: [(&str, Vec<u8>, Kubelet); 10] = [
        ("json", json.into(), RUNS),
        ("json with tabs", tabbed.into(), RUNS),
        (
            "a tab in a text",
            json.replace("--v=2", "a\tb").replace(":{", ":\t{").into(),
            Runs("kube-apiserver a\tb"),
        ),
        ("nothing", b"".to_vec(), Never),
        ("white space", b" \n\n".to_vec(), Never),
        ("null", b"null\n".to_vec(), Never),
        ("no text", b"kind: \xff\n".to_vec(), Never),
        ("no text behind the document", [POD.as_bytes(), b"---\n\xff"].concat(), RUNS),
        ("zeros", vec![0; 64], Never),
        ("UTF-16", utf16, Perhaps),
    ];
    for (case, text, want) in &cases {
        check(case, text, want);
    }
    let cut = Manifest::parse(Component::KubeApiserver, b"apiVersion: v1\nspec: {").unwrap_err();
    assert!(matches!(cut, ManifestError::Read(ReadError::Syntax(_))) && !cut.is_certain(), "{cut}");
}

/// `decode.go`: `<<` merges where it stands, of several mappings the first counts most, and what comes later counts more.
#[test]
fn a_merge_key_merges_where_it_stands() {
    for (text, want) in [
        ("a: &a {x: 1}\nb: {<<: *a, z: 2}\n", r#"{"x":1,"z":2}"#),
        ("a: &a {x: 1}\nb: {<<: *a, x: 3}\n", r#"{"x":3}"#),
        ("a: &a {x: 1}\nb: {x: 3, <<: *a}\n", r#"{"x":1}"#),
        ("a: &a {x: 1}\nb: {<<: [*a, {x: 2, z: 2}]}\n", r#"{"x":1,"z":2}"#),
        ("a: 1\nb: {'<<': 1}\n", r#"{"<<":1}"#),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap().get("b").unwrap().json().to_string(), want, "{text}");
    }
    assert!(read(b"b: {<<: 1}\n").is_err());
}

#[test]
fn what_grows_by_its_aliases_and_anchors_is_refused_and_not_built() {
    let tenfold = |n: usize| format!("a{}: &a{} [{}]\n", n + 1, n + 1, vec![format!("*a{n}"); 10].join(","));
    let bomb: String = (0..12).map(tenfold).collect();
    let nested: String = (0..200).map(|n| format!("&b{n} [")).collect();
    let texts = [
        format!("a0: &a0 [1]\n{bomb}"),
        format!("a: {nested}{}{}\n", "1,".repeat(20_000), "]".repeat(200)),
        format!("a: {}{}\n", "[".repeat(300), "]".repeat(300)),
        "a: &a [*a]\n".into(),
    ];
    for text in texts {
        assert!(
            matches!(read(text.as_bytes()), Err(ReadError::Syntax(_))),
            "{}",
            &text[..40.min(text.len())]
        );
    }
}

#[test]
fn scalars_that_are_no_text() {
    for text in [
        "1", "-1", "+1", "1_000", "0x1F", "0b1", "0o7", "0777", "1.5", ".5", "1e3", "-1E-3", "1.", ".inf",
        "~", "", "no", "<<",
    ] {
        assert!(!is_text(text), "{text}");
    }
    for text in [
        "--v=2",
        "-",
        "+",
        ".",
        "1a",
        "12:30",
        "v1.2.3",
        "1.2.3",
        "0xg",
        "nope",
        "1e",
        "e3",
        "--1",
        "2001-01-01",
    ] {
        assert!(is_text(text), "{text}");
    }
}

#[test]
fn what_the_kubelet_decodes_does_not_depend_on_how_it_is_written() {
    let of = |text: &str| Manifest::parse(Component::KubeApiserver, text.as_bytes()).unwrap().content();
    let same = [
        format!("# a comment\n{POD}---\n"),
        POD.replace("--v=2", "\"--v=2\" # b"),
        POD.replace(
            "    command:\n    - kube-apiserver\n    - --v=2\n",
            "    command: [kube-apiserver, --v=2]\n",
        ),
    ];
    for text in same {
        assert_eq!(of(&text), of(POD), "{text}");
    }
    assert_ne!(of(&POD.replace("--v=2", "--v=3")), of(POD));
}
