//! Both forms, what stays unchanged, and what is refused.

use super::*;
use podlift_host::testing::MemFiles;

const LIST_31: &str = "# kubernetes v1.31\r\n deb [arch=amd64 signed-by=/etc/apt/keyrings/k.gpg] https://mirror.site/k8s/core:/stable:/v1.31/deb/ /\r\n#deb https://old/core:/stable:/v1.30/deb/ /\n\tdeb-src https://mirror.site/k8s/core:/stable:/v1.31/deb /\ndeb http://deb.debian.org/debian bookworm main";

const SOURCES_31: &str = "# written by hand, v1.31\r\nTypes: deb\r\nURIs: https://pkgs.k8s.io/core:/stable:/v1.31/deb/\r\nSuites: /\r\nSigned-By: /etc/apt/keyrings/k.gpg\r\n\r\nTypes: deb\nURIs: https://deb.debian.org/debian\n\thttps://mirror.site/debian\nSuites: bookworm\n\n# the one before\nEnabled: no\nTypes: deb\nURIs: https://pkgs.k8s.io/core:/stable:/v1.30/deb/\nSuites: /\n";

fn v(text: &str) -> Minor {
    text.parse().unwrap()
}

fn source(form: Form, text: &str) -> Source {
    Source { path: "/etc/apt/sources.list.d/x".into(), form, text: text.into() }
}

#[test]
fn only_the_minor_changes() {
    for (form, text) in [(Form::OneLine, LIST_31), (Form::Deb822, SOURCES_31)] {
        let old = source(form, text);
        let new = source(form, &old.with_minor(v("v1.32")).unwrap());
        let by_hand = text.replace("stable:/v1.31", "stable:/v1.32");
        assert_eq!(
            (new.text.as_str(), old.minor(), new.minor()),
            (&*by_hand, Some(v("v1.31")), Some(v("v1.32")))
        );
        assert_eq!(new.with_minor(v("v1.32")).as_ref(), Ok(&new.text), "again");
    }
}

#[test]
fn a_list_of_addresses_over_several_lines() {
    let text = "Types: deb\nURIs:\n https://a/core:/stable:/v1.31/deb/\n# a comment with core:/stable:/v1.9/deb/\n https://b/core:/stable:/v1.31/deb\nSuites: /\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ\n -----END PGP PUBLIC KEY BLOCK-----\n";
    let new = source(Form::Deb822, text).with_minor(v("v1.32")).unwrap();
    assert_eq!(new, text.replace("v1.31", "v1.32"));
}

#[test]
fn alone_is_the_repository_and_nothing_else() {
    let (name, list) = source(Form::OneLine, LIST_31).alone(v("v1.32")).unwrap();
    assert_eq!(
        (name, list.as_str()),
        (
            "sources.list",
            "deb [arch=amd64 signed-by=/etc/apt/keyrings/k.gpg] https://mirror.site/k8s/core:/stable:/v1.32/deb/ /\ndeb-src https://mirror.site/k8s/core:/stable:/v1.32/deb /\n"
        )
    );
    let (name, text) = source(Form::Deb822, SOURCES_31).alone(v("v1.32")).unwrap();
    assert!(
        name.ends_with(".sources") && text.contains("v1.32/deb/") && text.contains("Signed-By"),
        "{text}"
    );
    assert!(!text.contains("debian") && !text.contains("v1.30"), "{text}");
}

#[test]
fn what_can_not_be_used_is_said() {
    use Form::{Deb822, OneLine};
    let strange = |line: &str| Err(Unusable::Strange(line.into()));
    let stanza =
        |extra: &str| format!("Types: deb\nURIs: https://x/core:/stable:/v1.31/deb/\nSuites: /\n{extra}");
    let cases = [
        (
            OneLine,
            "deb [trusted=yes] https://x/core:/stable:/v1.31/deb/ /\n".to_string(),
            Err(Unusable::Trusted),
        ),
        (
            OneLine,
            "deb [ Trusted = yes ] https://x/core:/stable:/v1.31/deb/ /\n".into(),
            Err(Unusable::Trusted),
        ),
        (
            OneLine,
            "deb [allow-insecure=yes] https://x/core:/stable:/v1.31/deb/ /\n".into(),
            Err(Unusable::Trusted),
        ),
        (
            OneLine,
            "deb https://x/core:/stable:/v1.31/rpm/ /".into(),
            strange("deb https://x/core:/stable:/v1.31/rpm/ /"),
        ),
        (
            OneLine,
            "deb https://x/core:/stable:/latest/deb/ /".into(),
            strange("deb https://x/core:/stable:/latest/deb/ /"),
        ),
        (
            OneLine,
            "deb https://x/core:/stable:/v1.31/deb/".into(),
            strange("deb https://x/core:/stable:/v1.31/deb/"),
        ),
        (Deb822, stanza("Trusted: yes\n"), Err(Unusable::Trusted)),
        (Deb822, stanza("allow-insecure: TRUE\n"), Err(Unusable::Trusted)),
        (Deb822, stanza("Enabled: no\nTrusted: yes\n"), Ok(vec![])),
        (
            Deb822,
            "URIs: https://x/core:/stable:/v1.31/rpm/\n".into(),
            strange("https://x/core:/stable:/v1.31/rpm/"),
        ),
    ];
    for (form, text, want) in cases {
        assert_eq!(form.places(&text), want, "{text}");
    }
}

#[test]
fn exactly_one_file_names_it() {
    let files = MemFiles::default();
    assert_eq!(find(&files), Err(SourceError::Missing(vec![])));
    files.put("/etc/apt/sources.list", b"deb http://deb.debian.org/debian bookworm main\n");
    files.put("/etc/apt/sources.list.d/binary.list", &[0xff, 0xfe]);
    files.put("/etc/apt/sources.list.d/kubernetes.list.save", LIST_31.as_bytes());
    files.put(
        "/etc/apt/sources.list.d/old.sources",
        b"Enabled: no\nURIs: https://x/core:/stable:/v1.30/deb/\nSuites: /\n",
    );
    assert_eq!(find(&files), Err(SourceError::Missing(vec![])));
    files.put("/etc/apt/sources.list.d/k8s.sources", SOURCES_31.as_bytes());
    let found = find(&files).unwrap();
    assert_eq!(
        (found.path.to_str(), found.form),
        (Some("/etc/apt/sources.list.d/k8s.sources"), Form::Deb822)
    );
    files.put("/etc/apt/sources.list.d/kubernetes.list", LIST_31.as_bytes());
    let several = find(&files).unwrap_err().to_string();
    assert!(several.contains("k8s.sources") && several.contains("kubernetes.list;"), "{several}");
}

fn put(texts: &[(&str, &[u8])]) -> MemFiles {
    let files = MemFiles::default();
    texts.iter().for_each(|(name, text)| files.put(format!("/etc/apt/sources.list.d/{name}"), text));
    files
}

const OURS: &[u8] =
    include_bytes!("../../../../tests/fixtures/cases/52-legacy-repository-left/kubernetes.list");
const LEGACY: &[u8] =
    include_bytes!("../../../../tests/fixtures/cases/52-legacy-repository-left/kubernetes-legacy.list");

#[test]
fn the_old_repository_alone_is_named_with_what_to_write() {
    let files = put(&[("kubernetes-legacy.list", LEGACY)]);
    let why = find(&files).unwrap_err().to_string();
    for words in [
        "/etc/apt/sources.list.d/kubernetes-legacy.list names apt.kubernetes.io kubernetes-xenial",
        "gone since March 2024",
        "`deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/vX.Y/deb/ /`",
    ] {
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn the_old_repository_beside_ours_is_a_note() {
    let files = put(&[("kubernetes-legacy.list", LEGACY), ("kubernetes.list", OURS)]);
    assert_eq!(find(&files).unwrap().path.to_str(), Some("/etc/apt/sources.list.d/kubernetes.list"));
    let [note] = foreign(&files).unwrap().try_into().unwrap();
    assert_eq!(note.file, "/etc/apt/sources.list.d/kubernetes-legacy.list");
    assert!(
        note.what.contains("apt.kubernetes.io kubernetes-xenial") && note.what.contains("take the entry out")
    );
}

#[test]
fn forms_of_the_old_repository() {
    let stanza = |extra: &str| {
        format!(
            "Types: deb\n{extra}URIs: https://packages.cloud.google.com/apt/\nSuites: kubernetes-xenial\nComponents: main\n"
        )
    };
    let cases: [(&str, String, bool); 9] = [
        (
            "a.list",
            "deb [signed-by=/k.gpg] https://packages.cloud.google.com/apt kubernetes-xenial main\n".into(),
            true,
        ),
        ("a.list", "deb http://apt.kubernetes.io/ kubernetes-stretch main\n".into(), true),
        ("a.list", "deb https://mirror.site/kubernetes/apt kubernetes-xenial main\n".into(), true),
        ("a.list", "# deb https://apt.kubernetes.io/ kubernetes-xenial main\n".into(), false),
        ("a.list", "deb https://packages.cloud.google.com/apt cloud-sdk main\n".into(), false),
        ("a.sources", stanza(""), true),
        ("a.sources", stanza("Enabled: no\n"), false),
        ("a.sources", stanza("").replace("URIs: ", "#URIs: "), false),
        ("a.list.save", "deb https://apt.kubernetes.io/ kubernetes-xenial main\n".into(), false),
    ];
    for (name, text, want) in cases {
        let gone = matches!(find(&put(&[(name, text.as_bytes())])), Err(SourceError::Legacy { .. }));
        assert_eq!(gone, want, "{text}");
    }
    let both = put(&[("k.list", &[OURS, LEGACY].concat())]);
    assert!(find(&both).is_ok() && foreign(&both).unwrap().len() == 1, "both in one file");
}

/// The node's source is found beside any other file; files over which apt would fail are reported.
#[test]
fn broken_files_of_others_are_notes() {
    let cases: [(&str, &[u8], Option<&str>); 12] = [
        ("a.list", b"deb http://deb.debian.org/debian bookworm main # comment\n\n  # x\n", None),
        (
            "a.list",
            b"deb [arch=amd64 signed-by=/k.gpg] https://download.docker.com/linux bookworm stable\n",
            None,
        ),
        ("a.list", b"deb https://x/repo/ ./\n", None),
        ("a.list", b"deb https://x/repo\n", Some("is no entry")),
        ("a.list", b"deb [arch=amd64 https://x/repo a b\n", Some("is no entry")),
        ("a.list", b"<html>404</html>\n", Some("<html>404</html>")),
        ("a.list", &[0xff, 0xfe], Some("it is not text")),
        ("a.sources", b"Types: deb\nURIs: https://x\nSuites: a\nComponents: b\n", None),
        ("a.sources", b"# only a comment\n", None),
        ("a.sources", b"Types: deb\nSuites: a\n", Some("Types: deb")),
        ("a.sources", b"Types deb\n", Some("Types deb")),
        ("a.txt", &[0xff], None),
    ];
    for (name, text, want) in cases {
        let files = put(&[(name, text), ("kubernetes.list", OURS)]);
        assert!(find(&files).is_ok(), "{name}");
        let notes = foreign(&files).unwrap();
        assert_eq!(
            notes.first().map(|n| n.what.contains(want.unwrap_or("?"))),
            want.map(|_| true),
            "{notes:?}"
        );
    }
}

#[test]
fn a_link_is_skipped_and_named_where_ours_is_missing() {
    let path = "/etc/apt/sources.list.d/kubernetes.list";
    let files = put(&[("kubernetes.list", OURS)]);
    files.restat(path, |stat| stat.kind = FileKind::Symlink);
    let why = find(&files).unwrap_err().to_string();
    assert!(why.contains("kubernetes.list was skipped: it is a symbolic link"), "{why}");
    files.put("/etc/apt/sources.list.d/k8s.list", OURS);
    assert!(find(&files).is_ok());
    assert_eq!(foreign(&files).unwrap()[0].file, path);
}

mod any_text {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of sources files, in any order.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("deb "),
            Just("deb-src "),
            Just("["),
            Just("] "),
            Just("trusted=yes"),
            Just("https://x"),
            Just("/core:/stable:/"),
            Just("v1.31"),
            Just("/deb/"),
            Just(" /"),
            Just("\n"),
            Just("\r\n"),
            Just("#"),
            Just("URIs: "),
            Just("Types: deb\n"),
            Just("Suites: "),
            Just("kubernetes-xenial"),
            Just("\t"),
            Just("ü"),
            Just(":"),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_panics_and_a_new_minor_changes_nothing_else(text in text(), deb822: bool) {
            let (form, name) = if deb822 { (Form::Deb822, "x.sources") } else { (Form::OneLine, "x.list") };
            let files = put(&[(name, text.as_bytes())]);
            let _ = foreign(&files);
            if let Ok(source) = find(&files) {
                let new = source.with_minor(v("v1.32")).unwrap();
                prop_assert_eq!(new.replace("v1.32", "v1.31"), text.clone());
                let again = Source { text: new.clone(), ..source };
                prop_assert_eq!(again.with_minor(v("v1.32")), Ok(new));
                prop_assert!(form.places(&text).is_ok());
                let _ = again.alone(v("v1.33")).unwrap();
            }
        }
    }
}
