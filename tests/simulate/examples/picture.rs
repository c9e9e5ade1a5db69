//! The comparison of a trace with podlift's usual policy: the table to the terminal's error output, the SVG to its output.

use podlift_simulate::{Trace, compare, render_svg, render_table};

const MONTHS: &str = include_str!("../traces/four-months.json");

fn main() -> Result<(), podlift_simulate::TraceError> {
    let seen = compare(&Trace::read(MONTHS)?, &podlift_batches::Policy::default());
    eprintln!("{}", render_table(&seen));
    println!("{}", render_svg(&seen));
    Ok(())
}
