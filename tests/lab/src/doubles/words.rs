//! Command lines taken apart: options with values, flags, words.

/// `--name=value`, `--name value` (for the names given), `--flag`, and the rest.
#[derive(Debug, Default)]
pub struct Words {
    pub options: Vec<(String, String)>,
    pub words: Vec<String>,
}

impl Words {
    /// `valued`: options (dashes included) that take the next word where they have no `=`.
    pub fn of(args: &[String], valued: &[&str]) -> Self {
        let mut all = Self::default();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match (arg.starts_with('-') && arg.len() > 1, arg.split_once('=')) {
                (true, Some((name, value))) => all.options.push((name.into(), value.into())),
                (true, None) if valued.contains(&arg.as_str()) => {
                    all.options.push((arg.clone(), rest.next().cloned().unwrap_or_default()));
                }
                (true, None) => all.options.push((arg.clone(), "true".into())),
                (false, _) => all.words.push(arg.clone()),
            }
        }
        all
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|n| self.get(n).is_some_and(|v| v != "false"))
    }

    pub fn word(&self, i: usize) -> &str {
        self.words.get(i).map_or("", String::as_str)
    }
}
