//! stdout for data, stderr for narration; colour only on a terminal. A reader that goes away (`| head`) ends nothing badly.

use super::error::CliError;
use comfy_table::{ContentArrangement, Table, presets};
use podlift_proto::v1::Document;
use std::io::{IsTerminal as _, Write as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people; a report is Markdown, and md is another word for this.
    #[value(alias = "md")]
    Table,
    Json,
    Yaml,
}

/// What a renderer has to fit in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// None: as wide as it is.
    pub width: Option<u16>,
    pub colour: bool,
}

impl Screen {
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = if terminal { Table::new().width() } else { None };
        let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
        Self { width, colour }
    }

    /// An empty table without frames.
    pub fn table(&self, header: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header.to_vec());
        match self.colour {
            true => table.enforce_styling(),
            false => table.force_no_tty(),
        };
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table
    }
}

/// Data: the document as it came, or as YAML; None where it is for people.
pub(super) fn document(format: Format, document: &Document) -> Result<Option<String>, CliError> {
    match format {
        Format::Table => Ok(None),
        _ => {
            let value = serde_json::from_str(&document.json)
                .map_err(|e| CliError::failed(format!("the coordinator's answer is no JSON: {e}")))?;
            value_text(format, &value).map(Some)
        }
    }
}

pub(super) fn value_text(format: Format, value: &serde_json::Value) -> Result<String, CliError> {
    match format {
        Format::Yaml => serde_saphyr::to_string(value).map_err(|e| CliError::failed(e.to_string())),
        _ => serde_json::to_string_pretty(value).map_err(|e| CliError::failed(e.to_string())),
    }
}

/// Writes data to stdout.
pub(super) fn data(text: &str) {
    let mut out = anstream::stdout().lock();
    drop(writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()));
}

/// Tells the person what happens.
pub(super) fn narrate(text: &str) {
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}
