//! A shell's text, as far as sessions in an image need it: words, quotes, `;`, newlines, `&&`, and assignments before a command.

/// A command with what it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub words: Vec<String>,
    /// It runs only where the one before it ended well.
    pub if_well: bool,
}

pub fn commands(text: &str) -> Vec<Command> {
    let mut all = vec![];
    let (mut words, mut word, mut any, mut if_well) = (vec![], String::new(), false, false);
    let mut quote: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (None, ' ' | '\t') => end(&mut word, &mut any, &mut words),
            (None, ';' | '\n') => {
                end(&mut word, &mut any, &mut words);
                push(&mut all, &mut words, &mut if_well, false);
            }
            (None, '&') if rest.next_if_eq(&'&').is_some() => {
                end(&mut word, &mut any, &mut words);
                push(&mut all, &mut words, &mut if_well, true);
            }
            (None, c) => {
                word.push(c);
                any = true;
            }
        }
    }
    end(&mut word, &mut any, &mut words);
    push(&mut all, &mut words, &mut if_well, false);
    all
}

fn end(word: &mut String, any: &mut bool, words: &mut Vec<String>) {
    if std::mem::take(any) || !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn push(all: &mut Vec<Command>, words: &mut Vec<String>, if_well: &mut bool, next: bool) {
    if !words.is_empty() {
        all.push(Command { words: std::mem::take(words), if_well: *if_well });
    }
    *if_well = next;
}

/// `A=b` and `env` before a command, taken off it.
pub fn assignments(words: &[String]) -> (Vec<(String, String)>, &[String]) {
    let rest = words.strip_prefix(&["env".to_string()][..]).unwrap_or(words);
    let is = |w: &String| {
        w.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
    };
    let n = rest.iter().take_while(|w| is(w)).count();
    let pair = |w: &String| w.split_once('=').map(|(n, v)| (n.to_string(), v.to_string()));
    (rest[..n].iter().filter_map(pair).collect(), &rest[n..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_stands_between_commands() {
        let all = commands("apt-get update && apt-get install -y 'a b'; true\n");
        let told: Vec<(String, bool)> = all.iter().map(|c| (c.words.join("|"), c.if_well)).collect();
        let want = [("apt-get|update", false), ("apt-get|install|-y|a b", true), ("true", false)];
        assert_eq!(told, want.map(|(w, b)| (w.to_string(), b)));
        let words = ["env", "A_B=c", "apt-get", "X=y"].map(String::from);
        let (set, rest) = assignments(&words);
        assert_eq!((set, rest.join(" ")), (vec![("A_B".into(), "c".into())], "apt-get X=y".into()));
    }
}
