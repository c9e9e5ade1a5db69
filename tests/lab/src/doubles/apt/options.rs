//! apt's options: `-o Name=value` in its spellings, flags, words.

#[derive(Debug, Default)]
pub struct Options {
    set: Vec<(String, String)>,
    flags: Vec<String>,
    pub words: Vec<String>,
}

impl Options {
    pub fn of(args: &[String]) -> Self {
        let mut all = Self::default();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let given = match arg.as_str() {
                "-o" | "--option" => rest.next().cloned(),
                a if a.starts_with("--option=") => Some(a["--option=".len()..].to_string()),
                a if a.starts_with("-o") => Some(a[2..].to_string()),
                _ => None,
            };
            match given {
                Some(pair) => all.set.extend(
                    pair.split_once('=')
                        .map(|(n, v)| (n.trim_end_matches("::").to_lowercase(), v.to_string())),
                ),
                None if arg.starts_with('-') => all.flags.push(arg.clone()),
                None => all.words.push(arg.clone()),
            }
        }
        all
    }

    pub fn verb(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub fn flag(&self, names: &[&str]) -> bool {
        let short = |f: &str| f.strip_prefix('-').filter(|s| !s.starts_with('-')).map(ToString::to_string);
        let letters = |f: &String, n: &str| n.len() == 2 && short(f).is_some_and(|s| s.contains(&n[1..]));
        self.flags.iter().any(|f| names.iter().any(|n| f == n || letters(f, n)))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.set.iter().rev().find(|(n, _)| *n == name.to_lowercase()).map(|(_, v)| v.as_str())
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.set.iter().filter(|(n, _)| *n == name.to_lowercase()).map(|(_, v)| v.as_str()).collect()
    }

    fn dir(&self, name: &str, parent: &str, usual: &str) -> String {
        let root = self.get("Dir").unwrap_or("").trim_end_matches('/');
        let base = self
            .get(parent)
            .map_or_else(|| format!("{root}{usual}"), |p| p.trim_end_matches('/').to_string());
        match self.get(name) {
            Some(path) if path.starts_with('/') => path.trim_end_matches('/').to_string(),
            Some(path) => format!("{base}/{}", path.trim_end_matches('/')),
            None => String::new(),
        }
    }

    pub fn lists(&self) -> String {
        let named = self.dir("Dir::State::lists", "Dir::State", "/var/lib/apt");
        let state = self.get("Dir::State").map(|s| format!("{}/lists", s.trim_end_matches('/')));
        first([named, state.unwrap_or_default(), self.under("/var/lib/apt/lists")])
    }

    pub fn archives(&self) -> String {
        let named = self.dir("Dir::Cache::archives", "Dir::Cache", "/var/cache/apt");
        let cache = self.get("Dir::Cache").map(|s| format!("{}/archives", s.trim_end_matches('/')));
        first([named, cache.unwrap_or_default(), self.under("/var/cache/apt/archives")])
    }

    pub fn source_list(&self) -> String {
        first([self.dir("Dir::Etc::sourcelist", "Dir::Etc", "/etc/apt"), self.under("/etc/apt/sources.list")])
    }

    /// None: no directory of parts (`-` or /dev/null).
    pub fn source_parts(&self) -> Option<String> {
        if self.get("Dir::Etc::sourceparts").is_some_and(|p| matches!(p, "-" | "/dev/null")) {
            return None;
        }
        Some(first([
            self.dir("Dir::Etc::sourceparts", "Dir::Etc", "/etc/apt"),
            self.under("/etc/apt/sources.list.d"),
        ]))
    }

    /// Whether this is the node's own lists directory.
    pub fn is_private(&self) -> bool {
        self.lists() != "/var/lib/apt/lists"
    }

    fn under(&self, path: &str) -> String {
        format!("{}{path}", self.get("Dir").unwrap_or("").trim_end_matches('/'))
    }
}

/// The first that is set.
fn first<const N: usize>(all: [String; N]) -> String {
    all.into_iter().find(|p| !p.is_empty()).unwrap_or_default()
}
