//! stdout for data, stderr for narration; colour only on a terminal, or as --color, NO_COLOR and CLICOLOR_FORCE say.

use super::error::CliError;
use podlift_proto::v1::Document;
use std::io::{ErrorKind, IsTerminal as _, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people; a report is Markdown, and md is another word for this.
    #[value(alias = "md")]
    Table,
    /// For people, with further columns where there are any.
    Wide,
    /// The document, as docs/ describe it.
    Json,
    /// The document as YAML.
    Yaml,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set; off it where CLICOLOR_FORCE is set.
    Auto,
    Always,
    Never,
}

impl Colour {
    /// For everything that this process prints.
    pub fn set(self) {
        match self {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// What a renderer has to fit in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// None: as wide as it is.
    pub width: Option<u16>,
    /// None: as long as it is.
    pub height: Option<u16>,
    pub colour: bool,
}

impl Screen {
    pub fn of_stdout() -> Self {
        let size = if std::io::stdout().is_terminal() { size() } else { None };
        let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        Self { width: size.map(|s| s.0), height: size.map(|s| s.1), colour }
    }

    /// What goes to stderr beside other narration.
    pub fn of_stderr() -> Self {
        let size = if std::io::stderr().is_terminal() { size() } else { None };
        let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        Self { width: size.map(|s| s.0), height: None, colour }
    }
}

/// Columns and rows of the terminal.
pub(super) fn size() -> Option<(u16, u16)> {
    ratatui::crossterm::terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0)
}

/// Data: the document as it came, or as YAML; None where it is for people.
pub(super) fn document(format: Format, document: &Document) -> Result<Option<String>, CliError> {
    match format {
        Format::Table | Format::Wide => Ok(None),
        Format::Json | Format::Yaml => {
            let value = serde_json::from_str(&document.json)
                .map_err(|e| CliError::failed("the coordinator's answer is no JSON", e))?;
            value_text(format, &value).map(Some)
        }
    }
}

pub(super) fn value_text(format: Format, value: &serde_json::Value) -> Result<String, CliError> {
    let failed = |e: &dyn std::fmt::Display| CliError::failed("the answer can't be written", e);
    match format {
        Format::Yaml => serde_saphyr::to_string(value).map_err(|e| failed(&e)),
        _ => serde_json::to_string_pretty(value).map_err(|e| failed(&e)),
    }
}

/// Writes data to stdout. What has no colour goes out as it is: a fleet's document is long.
pub(super) fn data(text: &str) -> Result<(), CliError> {
    let text = text.trim_end_matches('\n');
    let written = match text.contains('\x1b') {
        true => write(&mut anstream::stdout().lock(), text),
        false => write(&mut std::io::stdout().lock(), text),
    };
    written.map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => CliError::reader_left(),
        _ => CliError::failed("stdout can't be written", e),
    })
}

fn write(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Tells the person what happens. Whoever does not listen misses it.
pub(super) fn narrate(text: &str) {
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}
