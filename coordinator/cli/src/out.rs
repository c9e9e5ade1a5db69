//! Output: data to stdout, narration to stderr. Colour is used on a terminal only, or as --color, NO_COLOR and CLICOLOR_FORCE demand.

use super::error::CliError;
use std::io::{ErrorKind, IsTerminal as _, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people. A report is Markdown, and md is an alias.
    #[value(alias = "md")]
    Table,
    /// For people, with additional columns where a table has them.
    Wide,
    /// The document that docs/schemas describes.
    Json,
    /// The document as YAML.
    Yaml,
    /// A page for a browser, in one file: of a report only.
    Html,
    /// Test results as JUnit's XML: of a validation only.
    Junit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set; elsewhere only if CLICOLOR_FORCE is set.
    Auto,
    Always,
    Never,
}

impl Colour {
    /// Sets the choice for everything that this process prints.
    pub fn set(self) {
        match self {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// The space that a renderer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// Columns; `None` without a limit.
    pub width: Option<u16>,
    /// Rows; `None` without a limit.
    pub height: Option<u16>,
    pub colour: bool,
}

impl Screen {
    pub fn of_stdout() -> Self {
        let size = if std::io::stdout().is_terminal() { size() } else { None };
        let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        Self { width: size.map(|s| s.0), height: size.map(|s| s.1), colour }
    }

    /// For text on stderr, which stands between other narration and has no limit of rows.
    pub fn of_stderr() -> Self {
        let size = if std::io::stderr().is_terminal() { size() } else { None };
        let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        Self { width: size.map(|s| s.0), height: None, colour }
    }
}

/// Columns and rows of the terminal; `None` if there is none.
pub(super) fn size() -> Option<(u16, u16)> {
    ratatui::crossterm::terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0)
}

/// A JSON document as indented JSON or as YAML.
pub(super) fn document(format: Format, json: &str) -> Result<String, CliError> {
    let value = json.parse().map_err(|e| CliError::failed("the coordinator's answer is no JSON", e))?;
    value_text(format, &value)
}

pub(super) fn value_text(format: Format, value: &serde_json::Value) -> Result<String, CliError> {
    let failed = |e: &dyn std::fmt::Display| CliError::failed("the answer can't be written", e);
    match format {
        Format::Yaml => serde_saphyr::to_string(value).map_err(|e| failed(&e)),
        _ => Ok(format!("{value:#}")),
    }
}

/// Writes data to stdout. Text without colour skips the filter for escape codes, because a fleet's document is long.
pub(super) fn data(text: &str) -> Result<(), CliError> {
    let text = text.trim_end_matches('\n');
    let written = match text.contains('\x1b') {
        true => write(&mut anstream::stdout().lock(), text),
        false => write(&mut std::io::stdout().lock(), text),
    };
    written.map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => CliError::reader_closed(),
        _ => CliError::failed("stdout can't be written", e),
    })
}

fn write(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a line of narration to stderr. Errors are ignored: a closed stderr must not fail the command.
pub(super) fn narrate(text: &str) {
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}
