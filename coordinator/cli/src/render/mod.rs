//! Documents as people read them. Pure: a document and a screen in, text out.

pub(super) mod event;
pub(super) mod plan;
pub(super) mod report;
pub(super) mod status;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

/// `2026-11-22 02:14:07Z`.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `02:14:07`.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// `41 s`, `12 m 03 s`, `1 h 02 m`.
fn length(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
    }
}
