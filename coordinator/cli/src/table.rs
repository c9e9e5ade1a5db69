//! Tables that fit the screen: in columns; with the long last column below each row; or, on a narrow terminal, each row as a few lines.
//! Pure functions of cells and a width.

use super::out::Screen;
use anstyle::AnsiColor;
use comfy_table::{ContentArrangement, Table, presets};

#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    colour: Option<AnsiColor>,
}

impl Cell {
    pub fn coloured(text: impl ToString, colour: Option<AnsiColor>) -> Self {
        Self { text: text.to_string(), colour }
    }
    fn painted(&self, screen: Screen) -> String {
        match self.colour.filter(|_| screen.colour) {
            Some(colour) => paint(colour, &self.text),
            None => self.text.clone(),
        }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::coloured(text, None)
    }
}

pub(super) fn paint(colour: AnsiColor, text: &str) -> String {
    let style = colour.on_default();
    format!("{style}{text}{style:#}")
}

/// A table under construction.
pub(super) struct Grid {
    header: Vec<&'static str>,
    /// The last column is running text, which may stand below its row.
    tail: bool,
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), tail: false, rows: vec![] }
    }
    /// The last column of `header` is running text.
    pub fn with_tail(header: &[&'static str]) -> Self {
        Self { tail: true, ..Self::new(header) }
    }
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Blocks of lines: first the header's (empty without a header), then one for each row.
    pub fn blocks(&self, screen: Screen) -> Vec<Vec<String>> {
        let whole = self.columns(self.header.len(), screen);
        let Some(width) = screen.width.map(usize::from) else { return whole };
        if fits(&whole, width) {
            return whole;
        }
        if self.tail {
            let mut short = self.columns(self.header.len() - 1, screen);
            if fits(&short, width) {
                for (lines, row) in short.iter_mut().skip(1).zip(&self.rows) {
                    lines.extend(row.last().iter().flat_map(|c| indented(&c.text, 4, width)));
                }
                return short;
            }
        }
        let mut stacked = vec![vec![]];
        stacked.extend(self.rows.iter().map(|row| self.stack(row, screen, width)));
        stacked
    }

    pub fn render(&self, screen: Screen) -> String {
        self.blocks(screen).concat().join("\n")
    }

    /// The first `count` columns side by side, one line for each row.
    fn columns(&self, count: usize, screen: Screen) -> Vec<Vec<String>> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.header[..count].to_vec());
        table.force_no_tty();
        for row in &self.rows {
            table.add_row(row[..count].iter().map(|c| c.text.replace('\n', " ")).collect::<Vec<_>>());
        }
        let plain: Vec<String> = table.lines().map(|l| trimmed(&l)).collect();
        let starts = starts(&plain, &self.header[..count]);
        let rows = self.rows.iter().zip(plain.iter().skip(1));
        let painted = rows.map(|(row, line)| vec![coloured(line, &row[..count], &starts, screen)]);
        std::iter::once(vec![plain.first().cloned().unwrap_or_default()]).chain(painted).collect()
    }

    /// `NAME`, then `  header value` for each further cell that is not empty.
    fn stack(&self, row: &[Cell], screen: Screen, width: usize) -> Vec<String> {
        let mut lines: Vec<String> = row.first().map(|c| cut(&c.text, width)).into_iter().collect();
        for (header, cell) in self.header.iter().zip(row).skip(1).filter(|(_, c)| !c.text.is_empty()) {
            let line = format!("  {} {}", header.to_lowercase(), cell.text);
            match line.chars().count() <= width && !cell.text.contains('\n') {
                true => lines.push(format!("  {} {}", header.to_lowercase(), cell.painted(screen))),
                false => {
                    lines.push(format!("  {}", header.to_lowercase()));
                    lines.extend(indented(&cell.text, 4, width));
                }
            }
        }
        lines
    }
}

/// The start of each column, from the words of the header.
fn starts(lines: &[String], header: &[&str]) -> Vec<usize> {
    let first = lines.first().map_or("", String::as_str);
    let mut from = 0;
    header
        .iter()
        .map(|word| {
            let at = first[from..].find(word).map_or(from, |i| from + i);
            from = at + word.len();
            at
        })
        .collect()
}

/// Paints the texts of the coloured cells in the line.
fn coloured(line: &str, row: &[Cell], starts: &[usize], screen: Screen) -> String {
    let mut out = line.to_string();
    if !screen.colour {
        return out;
    }
    for (cell, start) in row.iter().zip(starts).rev() {
        let Some(colour) = cell.colour else { continue };
        // Columns are counted in characters, because the cells before may contain characters of several bytes.
        let Some((at, _)) = out.char_indices().nth(*start) else { continue };
        if out[at..].starts_with(&cell.text) && !cell.text.is_empty() {
            out.replace_range(at..at + cell.text.len(), &paint(colour, &cell.text));
        }
    }
    out
}

fn fits(blocks: &[Vec<String>], width: usize) -> bool {
    let length = |l: &String| anstream::adapter::strip_str(l).to_string().chars().count();
    blocks.iter().flatten().all(|l| length(l) <= width)
}

/// Removes the outermost blanks: comfy-table pads every column on both sides, and only the inner padding separates columns.
fn trimmed(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_string()
}

fn cut(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => text.into(),
    }
}

/// Wraps lines that are too long for the screen, with two blanks before the rest. Lines with colour are left to the terminal.
pub(super) fn wrapped(text: &str, screen: Screen) -> String {
    let Some(width) = screen.width.map(usize::from) else { return text.into() };
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        if body.contains('\u{1b}') || body.chars().count() <= width {
            out += line;
            continue;
        }
        let blanks = body.len() - body.trim_start().len();
        let hang = blanks + 2;
        // The first line keeps its indentation; the others are indented further.
        let parts = indented(body.trim_start(), hang, width);
        let first = parts.first().map_or("", |l| l.trim_start());
        out += &format!("{:blanks$}{first}\n", "");
        for part in parts.iter().skip(1) {
            out += part;
            out += "\n";
        }
    }
    out
}

/// Wraps text at words to the width, with blanks before each line.
pub(super) fn indented(text: &str, blanks: usize, width: usize) -> Vec<String> {
    let room = u16::try_from(width.saturating_sub(blanks).max(8)).unwrap_or(u16::MAX);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    // One column is padded by a blank on each side.
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(room.saturating_add(2));
    table.add_row([text]);
    let lines = table.lines().map(|l| format!("{:blanks$}{}", "", trimmed(&l)));
    lines.filter(|l| !l.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::with_tail(&["NODE", "STATE", "STEP"]);
        grid.row(vec![
            "runai-01".into(),
            Cell::coloured("failed", Some(AnsiColor::Red)),
            "no room for the copies".into(),
        ]);
        grid.row(vec!["dgx030".into(), "pending".into(), "".into()]);
        grid
    }

    fn at(width: u16, colour: bool) -> String {
        grid().render(Screen { width: Some(width), height: None, colour })
    }

    #[test]
    fn columns_then_text_below_then_a_few_lines_each() {
        insta::assert_snapshot!(at(80, false), @r"
        NODE      STATE    STEP
        runai-01  failed   no room for the copies
        dgx030    pending
        ");
        insta::assert_snapshot!(at(30, false), @r"
        NODE      STATE
        runai-01  failed
            no room for the copies
        dgx030    pending
        ");
        insta::assert_snapshot!(at(14, false), @r"
        runai-01
          state failed
          step
            no room
            for the
            copies
        dgx030
          state
            pending
        ");
    }

    #[test]
    fn prose_goes_on_below_at_words() {
        let screen = Screen { width: Some(24), height: None, colour: false };
        let text = wrapped("short\n  next: kubectl describe node dgx030\n", screen);
        assert_eq!(text, "short\n  next: kubectl\n    describe node dgx030\n");
        assert_eq!(wrapped("x".repeat(99).as_str(), Screen { width: None, ..screen }), "x".repeat(99));
    }

    #[test]
    fn colour_changes_no_width() {
        assert_ne!(at(80, true), at(80, false));
        for width in [12, 14, 30, 80, 200] {
            assert_eq!(
                anstream::adapter::strip_str(&at(width, true)).to_string(),
                at(width, false),
                "{width}"
            );
            let longest = at(width, false).lines().map(|l| l.chars().count()).max().unwrap();
            assert!(longest <= width.into(), "{longest} on {width}");
        }
    }
}
