//! Tables of cmsh. `list -d "|"` separates the cells by `|`; a cmsh that ignores it aligns them in columns. Both are read by the names in the
//! header. A column whose header is cut may have values that are cut, so it is refused. Pure.

use super::lines;
use super::short;
use std::fmt::Display;
use std::str::FromStr;

/// The cells of these columns, row by row. `columns` are names as cmsh prints them in a header, without blanks: `Kernelversion`.
pub(super) fn rows(text: &str, columns: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let lines: Vec<&str> = lines::of(text).collect();
    let Some(first) = lines.first() else { return Err("it printed nothing".into()) };
    let odd = || format!("it printed something else than a list of {}: {}", columns.join(", "), short(text));
    let ruler = lines.get(1).filter(|line| is_ruler(line));
    match (first.contains('|'), ruler) {
        (true, _) => delimited(&lines, columns).ok_or_else(odd),
        (false, Some(ruler)) => {
            let spans = spans(ruler);
            let header = cells(first, &spans);
            if let Some(cut) = columns.iter().find(|c| header.iter().any(|h| is_cut(h, c))) {
                return Err(format!("its column {cut} is cut, so its values may be: {}", short(text)));
            }
            let places = places(&header, columns).ok_or_else(odd)?;
            let row = |line: &&str| {
                let cells = cells(line, &spans);
                places.iter().map(|at| cells.get(*at).cloned()).collect::<Option<Vec<_>>>()
            };
            lines[2..].iter().map(row).collect::<Option<_>>().ok_or_else(odd)
        }
        (false, None) => Err(odd()),
    }
}

/// The cells of a list of one column, which has no separator to be recognised by.
pub(super) fn column(text: &str, name: &str) -> Result<Vec<String>, String> {
    let cells: Vec<&str> = lines::of(text).map(|l| l.trim().trim_end_matches('|').trim()).collect();
    let Some(first) = cells.first() else { return Err("it printed nothing".into()) };
    let rest = if same(first, name) { &cells[1..] } else { &cells[..] };
    let rows: Vec<&str> = rest.iter().copied().filter(|c| !is_ruler(c)).collect();
    match rows.iter().find(|c| c.contains([' ', '|'])) {
        Some(odd) => Err(format!("it printed something else than a list of {name}: {}", short(odd))),
        None => Ok(rows.into_iter().map(String::from).collect()),
    }
}

/// The names of a list of one column.
pub(super) fn names<T>(text: &str) -> Result<Vec<T>, String>
where
    T: FromStr,
    T::Err: Display,
{
    column(text, "name")?.iter().map(|name| name.parse().map_err(|e: T::Err| e.to_string())).collect()
}

/// Without a header, the cells are in the order in which they were asked.
fn delimited(lines: &[&str], columns: &[&str]) -> Option<Vec<Vec<String>>> {
    let split = |line: &str| line.split('|').map(|c| c.trim().to_string()).collect::<Vec<_>>();
    let header = split(lines[0]);
    let (places, rest, width) = match places(&header, columns) {
        Some(places) => (places, &lines[1..], header.len()),
        None if header.iter().any(|h| columns.iter().any(|c| same(h, c))) => return None,
        None => ((0..columns.len()).collect(), lines, columns.len()),
    };
    let rows = rest.iter().filter(|line| !is_ruler(line)).map(|line| {
        let mut cells = split(line);
        // A line may end with the separator.
        while cells.len() > width && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        (cells.len() == width).then(|| places.iter().map(|at| cells[*at].clone()).collect())
    });
    rows.collect()
}

fn is_ruler(line: &str) -> bool {
    line.contains('-') && line.chars().all(|c| matches!(c, '-' | ' ' | '|' | '+'))
}

/// Columns of characters that the dashes of a ruler cover; the last one reaches to the end of a line.
fn spans(ruler: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, c) in ruler.chars().chain([' ']).enumerate() {
        match (c, start) {
            ('-', None) => start = Some(at),
            ('-', Some(_)) | (_, None) => {}
            (_, Some(from)) => {
                spans.push((from, at));
                start = None;
            }
        }
    }
    if let Some(last) = spans.last_mut() {
        last.1 = usize::MAX;
    }
    spans
}

fn cells(line: &str, spans: &[(usize, usize)]) -> Vec<String> {
    let cell = |(from, to): &(usize, usize)| {
        let text: String = line.chars().skip(*from).take(to - from).collect();
        text.trim().to_string()
    };
    spans.iter().map(cell).collect()
}

fn places(header: &[String], columns: &[&str]) -> Option<Vec<usize>> {
    columns.iter().map(|c| header.iter().position(|h| same(h, c))).collect()
}

/// `Kernel version` is `kernelversion`, and `Name (key)` is `name`.
fn plain(header: &str) -> String {
    header.to_lowercase().replace("(key)", "").chars().filter(|c| c.is_alphanumeric()).collect()
}

fn same(header: &str, column: &str) -> bool {
    plain(header) == plain(column)
}

fn is_cut(header: &str, column: &str) -> bool {
    let (header, column) = (plain(header), plain(column));
    header.len() >= 3 && header.len() < column.len() && column.starts_with(&header)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["name", "path", "kernelversion"];

    fn shown(text: &str) -> Result<Vec<String>, String> {
        Ok(rows(text, &COLUMNS)?.iter().map(|row| row.join(" ")).collect())
    }

    #[test]
    fn every_layout_of_a_list() {
        let want = vec!["a /cm/images/a 6.8".to_string(), "b-2 /cm/images/b-2 5.15".into()];
        for text in [
            "Name (key)|Path|Kernel version\na|/cm/images/a|6.8\nb-2|/cm/images/b-2|5.15\n",
            "Name (key)|Path|Kernel version|\n----|----|----|\na|/cm/images/a|6.8|\nb-2|/cm/images/b-2|5.15|\n",
            "a|/cm/images/a|6.8\nb-2|/cm/images/b-2|5.15\n",
            "Nodes | Path | Name (key) | Kernel version\n3|/cm/images/a|a|6.8\n0|/cm/images/b-2|b-2|5.15\n",
            "Name (key) Path           Kernel version\n---------- -------------- ---------------\na          /cm/images/a   6.8            \nb-2        /cm/images/b-2 5.15           \n",
            "Name (key)|Path|Kernel version\nFri Nov 27 13:00:00 2026 [notice] h: x|y|z\na|/cm/images/a|6.8\nb-2|/cm/images/b-2|5.15\n",
        ] {
            assert_eq!(shown(text).as_ref(), Ok(&want), "{text}");
        }
        assert_eq!(shown("Name (key)|Path|Kernel version\n"), Ok(vec![]));
    }

    #[test]
    fn a_list_of_one_column() {
        for text in ["Name (key)\n----------\na         \nb\n", "a\nb\n", "Name (key)|\na|\nb|\n"] {
            assert_eq!(column(text, "name"), Ok(vec!["a".to_string(), "b".into()]), "{text}");
        }
        assert_eq!(column("Name (key)\n----------\n", "name"), Ok(vec![]));
        for text in ["", "Error: no such mode\n", "Name (key)\nx: not found\n"] {
            assert!(column(text, "name").is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_such_list_is_refused() {
        for (text, want) in [
            ("", "printed nothing"),
            ("Fri Nov 27 13:00:00 2026 [notice] h: x\n", "printed nothing"),
            ("Error: CMDaemon is not running\n", "CMDaemon is not running"),
            ("Name (key)|Path\na|/x\n", "something else"),
            ("Name (key)|Path|Kernel version\na|/x\n", "something else"),
            ("Name (key) Path Kernel\n---------- ---- ------\na          /x   6.8\n", "kernelversion is cut"),
            ("a  /x  6.8\n", "something else"),
        ] {
            let why = rows(text, &COLUMNS).unwrap_err();
            assert!(why.contains(want), "{text}: {why}");
        }
    }
}
