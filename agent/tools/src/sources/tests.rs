//! Both forms, what stays untouched, and what is refused.

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
    assert_eq!(find(&files), Err(SourceError::Missing));
    files.put("/etc/apt/sources.list", b"deb http://deb.debian.org/debian bookworm main\n");
    files.put("/etc/apt/sources.list.d/binary.list", &[0xff, 0xfe]);
    files.put("/etc/apt/sources.list.d/kubernetes.list.save", LIST_31.as_bytes());
    files.put(
        "/etc/apt/sources.list.d/old.sources",
        b"Enabled: no\nURIs: https://x/core:/stable:/v1.30/deb/\nSuites: /\n",
    );
    assert_eq!(find(&files), Err(SourceError::Missing));
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
