//! The comparison as a picture: four panels with a bar for each way.

use crate::outcome::{Comparison, Outcome};
use crate::table::subject;
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 470.0;
const PANEL: (f64, f64) = (464.0, 180.0);
/// Room for the names of the ways at the left of a panel, and for a value behind the longest bar.
const NAMES: f64 = 112.0;
const VALUES: f64 = 72.0;
/// The height of a row.
const ROW: f64 = 34.0;
const GREY: &str = "#5b6169";
const COLOURS: [&str; 3] = ["#8a8f98", "#d08c28", "#2f7d4f"];
/// Steps between the lines of an axis, as parts of a power of ten.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

type Value = fn(&Outcome) -> f64;

struct Panel {
    title: &'static str,
    /// Digits behind the point.
    digits: usize,
    value: Value,
    /// The part of the value that is drawn pale, with its name.
    pale: Option<(&'static str, Value)>,
}

const PANELS: [Panel; 4] = [
    Panel {
        title: "GPU-hours of work lost",
        digits: 0,
        value: |o| o.gpu_hours_lost,
        pale: Some(("pale: no order avoids it", |o| o.gpu_hours_unavoidable.min(o.gpu_hours_lost))),
    },
    Panel { title: "Hours an upgrade takes, on average", digits: 1, value: |o| o.wall_hours, pale: None },
    Panel { title: "Jobs interrupted", digits: 0, value: |o| o.jobs_interrupted as f64, pale: None },
    Panel {
        title: "Jobs interrupted more than once by one upgrade",
        digits: 0,
        value: |o| o.jobs_interrupted_again as f64,
        pale: None,
    },
];

/// An SVG document that needs no other file.
pub fn render_svg(comparison: &Comparison) -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" font-family="system-ui, 'DejaVu Sans', Arial, sans-serif" font-size="13" fill="#22262b">
<title>What upgrades cost in three orders of the workers</title>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="16" y="30" font-size="18" font-weight="600">What upgrades cost in three orders of the workers</text>
<text x="16" y="52" fill="#5b6169">{}</text>
"##,
        subject(comparison)
    );
    for (at, panel) in PANELS.iter().enumerate() {
        let x = 16.0 + (at % 2) as f64 * PANEL.0;
        let y = 72.0 + (at / 2) as f64 * (PANEL.1 + 16.0);
        draw(&mut svg, panel, &comparison.outcomes, (x, y)).unwrap_or_default();
    }
    svg + "</svg>\n"
}

/// A panel on the page, with its scale.
struct Frame<'a> {
    panel: &'a Panel,
    x: f64,
    y: f64,
    step: f64,
    lines: u32,
    rows: usize,
}

impl Frame<'_> {
    fn left(&self) -> f64 {
        self.x + NAMES
    }

    fn top(&self) -> f64 {
        self.y + 34.0
    }

    fn bottom(&self) -> f64 {
        self.top() + ROW * self.rows as f64
    }

    fn width(&self, value: f64) -> f64 {
        let width = PANEL.0 - 16.0 - NAMES - VALUES;
        (width * value / (self.step * f64::from(self.lines))).max(0.0)
    }

    fn head(&self, svg: &mut String) -> std::fmt::Result {
        let (x, y) = (self.x, self.y + 18.0);
        writeln!(svg, r##"<text x="{x}" y="{y:.1}" font-weight="600">{}</text>"##, self.panel.title)?;
        let Some((name, _)) = self.panel.pale else { return Ok(()) };
        let x = x + PANEL.0 - 32.0;
        writeln!(
            svg,
            r##"<text x="{x}" y="{y:.1}" text-anchor="end" font-size="11" fill="{GREY}">{name}</text>"##
        )
    }

    fn axis(&self, svg: &mut String) -> std::fmt::Result {
        let (top, bottom) = (self.top(), self.bottom());
        for line in 0..=self.lines {
            let value = self.step * f64::from(line);
            let x = self.left() + self.width(value);
            let colour = if line == 0 { GREY } else { "#e3e6ea" };
            let text = number(value, usize::from(self.step < 1.0));
            writeln!(
                svg,
                r##"<line x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}" stroke="{colour}"/>"##
            )?;
            let y = bottom + 16.0;
            writeln!(
                svg,
                r##"<text x="{x:.1}" y="{y:.1}" text-anchor="middle" font-size="11" fill="{GREY}">{text}</text>"##
            )?;
        }
        Ok(())
    }

    fn bar(&self, svg: &mut String, row: usize, outcome: &Outcome) -> std::fmt::Result {
        let value = (self.panel.value)(outcome);
        let pale = self.panel.pale.map_or(0.0, |(_, pale)| pale(outcome));
        let middle = self.top() + ROW * (row as f64 + 0.5);
        let (y, base) = (middle - 11.0, middle + 4.5);
        let colour = COLOURS[row % COLOURS.len()];
        let mut rect = |from: f64, to: f64, opacity: f64| {
            let (x, width) = (self.left() + self.width(from), self.width(to) - self.width(from));
            writeln!(
                svg,
                r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="22" fill="{colour}" fill-opacity="{opacity}"/>"##
            )
        };
        rect(0.0, pale, 0.4)?;
        rect(pale, value, 1.0)?;
        let (x, name) = (self.left() - 8.0, outcome.way.title());
        writeln!(svg, r##"<text x="{x:.1}" y="{base:.1}" text-anchor="end">{name}</text>"##)?;
        let (x, text) = (self.left() + self.width(value) + 6.0, number(value, self.panel.digits));
        writeln!(svg, r##"<text x="{x:.1}" y="{base:.1}" font-weight="600">{text}</text>"##)
    }
}

fn draw(svg: &mut String, panel: &Panel, outcomes: &[Outcome], (x, y): (f64, f64)) -> std::fmt::Result {
    let (step, lines) = axis(outcomes.iter().map(panel.value).fold(0.0, f64::max));
    let frame = Frame { panel, x, y, step, lines, rows: outcomes.len() };
    frame.head(svg)?;
    frame.axis(svg)?;
    outcomes.iter().enumerate().try_for_each(|(row, outcome)| frame.bar(svg, row, outcome))
}

/// The step between the lines of an axis and how many steps it has: at most five, up to the largest value.
fn axis(most: f64) -> (f64, u32) {
    if most <= 0.0 {
        return (1.0, 1);
    }
    let power = 10_f64.powf((most / 5.0).log10().floor());
    let steps = STEPS.iter().map(|step| step * power).chain([10.0 * power]);
    let step = steps.into_iter().find(|step| most / step <= 5.0).unwrap_or(10.0 * power);
    (step, (most / step).ceil().max(1.0) as u32)
}

/// With a thin space between thousands.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, part) =
        text.split_once('.').map_or((text.as_str(), String::new()), |(w, p)| (w, format!(".{p}")));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped + &part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_steps() {
        let cases =
            [(0.0, (1.0, 1)), (1.0, (0.2, 5)), (7.0, (2.0, 4)), (48.0, (10.0, 5)), (1234.0, (500.0, 3))];
        for (most, (step, lines)) in cases {
            let (got, count) = axis(most);
            assert!((got - step).abs() < 1e-9 && count == lines, "{most}: {got} {count}");
        }
        assert_eq!(number(1_234_567.25, 1), "1\u{2009}234\u{2009}567.2");
        assert_eq!((number(999.0, 0).as_str(), number(0.0, 1).as_str()), ("999", "0.0"));
    }
}
