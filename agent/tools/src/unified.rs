//! Unified diffs: parsed from a tool's output, and applied to the file from which they were made. Pure. It never guesses: a hunk whose
//! lines are not in the file is an error. A hunk may show fewer lines than its header counts, because people shorten them. Lines left out
//! between shown ones count as context, or as removed if the header counts that many more removed lines than are shown.
//!
//! `kubeadm upgrade diff` is applied to the live manifest, and the reader of command lines reads both versions. Reading the lines of a diff
//! as flags would misread a moved line, another container, or a flag in two words.

/// The part of a diff for one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The path in the line `--- PATH`.
    pub path: String,
    hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hunk {
    /// In the old file, from 0: the place of the first old line, or of the insertion.
    start: usize,
    /// Numbers of lines in the header, old and new.
    counts: (usize, usize),
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Kept(String),
    Removed(String),
    Added(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("hunk {number} (line {line}) does not fit the file: its lines are not there")]
pub struct Misfit {
    /// Number of the hunk, from 1.
    pub number: usize,
    pub line: usize,
}

/// All sections; other text is skipped.
pub fn sections(text: &str) -> Vec<Section> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all: Vec<Section> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let path = lines[at].strip_prefix("--- ");
        match path.filter(|_| lines.get(at + 1).is_some_and(|next| next.starts_with("+++ "))) {
            Some(path) => {
                let path = path.split_whitespace().next().unwrap_or_default().to_string();
                let (hunks, end) = hunks(&lines, at + 2);
                all.push(Section { path, hunks });
                at = end;
            }
            None => at += 1,
        }
    }
    all
}

/// The hunks from a line on, and the first line behind them.
fn hunks(lines: &[&str], mut at: usize) -> (Vec<Hunk>, usize) {
    let mut all: Vec<Hunk> = Vec::new();
    while at < lines.len() {
        let next_file =
            lines[at].starts_with("--- ") && lines.get(at + 1).is_some_and(|l| l.starts_with("+++ "));
        match (header(lines[at]), all.last_mut()) {
            _ if next_file => break,
            (Some(hunk), _) => all.push(hunk),
            (None, Some(hunk)) => match line(lines[at]).filter(|_| !ends(&lines[at..])) {
                Some(line) => hunk.lines.extend(line),
                None => break,
            },
            (None, None) => break,
        }
        at += 1;
    }
    (all, at)
}

/// Whether the hunk ends here. Empty lines behind a hunk belong to the output: inside a hunk an empty line has a blank, or more of the hunk
/// follows.
fn ends(lines: &[&str]) -> bool {
    let next = lines.iter().find(|l| !l.is_empty());
    lines[0].is_empty() && next.is_none_or(|l| l.starts_with("--- ") || line(l).is_none())
}

/// Parses `@@ -25,2 +25 @@`: a range of one line has no count, an empty range names the line before it.
fn header(line: &str) -> Option<Hunk> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let range = |text: &str| -> Option<(usize, usize)> {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let ((start, old), (_, new)) = (range(old)?, range(new)?);
    let start = if old == 0 { start } else { start.saturating_sub(1) };
    Some(Hunk { start, counts: (old, new), lines: Vec::new() })
}

/// A line of a hunk. `Some(None)` is a remark of the diff (`\ No newline at end of file`); `None` is a line outside of a hunk.
fn line(text: &str) -> Option<Option<Line>> {
    let rest = || text[1..].to_string();
    Some(Some(match text.as_bytes().first() {
        // An editor removed the blank of an empty line.
        None => Line::Kept(String::new()),
        Some(b' ') => Line::Kept(rest()),
        Some(b'-') => Line::Removed(rest()),
        Some(b'+') => Line::Added(rest()),
        Some(b'\\') => return Some(None),
        Some(_) => return None,
    }))
}

impl Section {
    /// Makes the new file from the old one.
    pub fn apply(&self, old: &str) -> Result<String, Misfit> {
        let old: Vec<&str> = old.split('\n').collect();
        let mut new: Vec<&str> = Vec::new();
        let mut done = 0;
        for (index, hunk) in self.hunks.iter().enumerate() {
            let misfit = || Misfit { number: index + 1, line: hunk.start + 1 };
            let places = hunk.places(&old, done).ok_or_else(misfit)?;
            let begin = places.first().copied().unwrap_or(hunk.start);
            new.extend(old.get(done..begin).ok_or_else(misfit)?);
            done = hunk.write(&old, begin, &places, &mut new);
        }
        new.extend(&old[done..]);
        Ok(new.join("\n"))
    }
}

impl Hunk {
    fn old(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Kept(text) | Line::Removed(text) => Some(text.as_str()),
            Line::Added(_) => None,
        })
    }

    /// Numbers of old and new lines that the header counts and the hunk does not show.
    fn left_out(&self) -> (usize, usize) {
        let kept = self.lines.iter().filter(|l| matches!(l, Line::Kept(_))).count();
        let removed = self.lines.iter().filter(|l| matches!(l, Line::Removed(_))).count();
        let added = self.lines.len() - kept - removed;
        let old = self.counts.0.saturating_sub(kept + removed);
        let new = self.counts.1.saturating_sub(kept + added);
        (old, new)
    }

    /// Number of lines that are removed without being shown.
    fn hidden(&self) -> usize {
        let (old, new) = self.left_out();
        old.saturating_sub(new)
    }

    /// The place of each of its old lines in the file, as near as possible to the header's.
    fn places(&self, file: &[&str], from: usize) -> Option<Vec<usize>> {
        let wanted: Vec<&str> = self.old().collect();
        let (old, new) = self.left_out();
        // The hunk adds lines that it does not show.
        if new > old {
            return None;
        }
        if wanted.is_empty() {
            // Without context, only the header gives the place of added lines.
            return (self.start >= from && self.start <= file.len()).then(Vec::new);
        }
        let mut starts: Vec<usize> = (from..file.len()).filter(|at| file[*at] == wanted[0]).collect();
        starts.sort_by_key(|at| at.abs_diff(self.start));
        let whole = |at: &usize| file[*at..].starts_with(&wanted);
        match starts.iter().find(|at| whole(at)) {
            Some(at) => Some((*at..at + wanted.len()).collect()),
            None => starts.iter().find_map(|at| self.with_gaps(file, *at, &wanted)),
        }
    }

    /// Matches each line behind the previous one, with no more lines between them than the hunk leaves out.
    fn with_gaps(&self, file: &[&str], start: usize, wanted: &[&str]) -> Option<Vec<usize>> {
        let ((most, _), removed) = (self.left_out(), self.hidden());
        let mut places = vec![start];
        for text in &wanted[1..] {
            let next = places.last()? + 1;
            let found = (next..file.len()).find(|at| file[*at] == *text)?;
            places.push(found);
        }
        let gap = places.last()? + 1 - start - wanted.len();
        // If unshown lines are removed, exactly those must be between the shown ones.
        (gap <= most && (removed == 0 || gap == removed)).then_some(places)
    }

    /// Writes its part of the new file. Returns where the old file continues.
    fn write<'a>(&'a self, old: &[&'a str], begin: usize, places: &[usize], new: &mut Vec<&'a str>) -> usize {
        let drop_gaps = self.hidden() > 0;
        let (mut done, mut next) = (begin, places.iter());
        for line in &self.lines {
            match line {
                Line::Added(text) => new.push(text),
                Line::Kept(_) | Line::Removed(_) => {
                    let Some(at) = next.next() else { continue };
                    if !drop_gaps {
                        new.extend(&old[done..*at]);
                    }
                    if let Line::Kept(text) = line {
                        new.push(text);
                    }
                    done = at + 1;
                }
            }
        }
        done
    }
}

#[cfg(test)]
mod tests;
