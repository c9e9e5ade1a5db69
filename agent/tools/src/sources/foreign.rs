//! Files of apt's sources without the Kubernetes repository: what is wrong with them. apt reads all of them before it installs anything.
//! Pure.

use super::{Form, deb822, legacy, one_line};

/// What is wrong with a file and what to do; `None` if it is right.
pub fn wrong(form: Form, bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(
            "it is not text; apt reads it before every installation: mend it or take it away".into(),
        );
    };
    if let Some(entry) = legacy_entry(form, text) {
        return Some(legacy::what(&entry));
    }
    let broken = match form {
        Form::OneLine => one_line::broken(text),
        Form::Deb822 => deb822::broken(text),
    };
    broken.map(|entry| {
        format!("{entry:?} is no entry that apt can read, and apt-get fails over it: mend it or take the file away")
    })
}

/// The first entry of the old repository.
pub fn legacy_entry(form: Form, text: &str) -> Option<String> {
    match form {
        Form::OneLine => one_line::legacy(text),
        Form::Deb822 => deb822::legacy(text),
    }
}
