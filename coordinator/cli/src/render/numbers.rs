//! Numbers as text.

/// `2,000`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `0`, `<0.1`, `12.4`, `1,204`.
pub(crate) fn hours(hours: f64) -> String {
    match hours {
        h if h <= 0.0 => "0".into(),
        h if h < 0.1 => "<0.1".into(),
        h if h < 99.95 => format!("{h:.1}"),
        h => grouped(h.round() as usize),
    }
}

/// `12.4 GPU-hours`.
pub(crate) fn gpu_hours(of: f64) -> String {
    format!("{} GPU-hours", hours(of))
}

/// `1 batch`, `12 batches`.
pub(crate) fn batches(number: usize) -> String {
    format!("{} {}", grouped(number), podlift_model::agree(number, "batch", "batches"))
}

/// GPU-seconds as GPU-hours.
pub(crate) fn of_seconds(gpu_seconds: u64) -> f64 {
    gpu_seconds as f64 / 3600.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 2000, 1_234_567].map(grouped), ["0", "999", "1,000", "2,000", "1,234,567"]);
    }

    #[test]
    fn hours_are_as_exact_as_they_are_useful() {
        let all = [0.0, 0.01, 0.1, 12.44, 99.94, 99.96, 1204.4];
        assert_eq!(all.map(hours), ["0", "<0.1", "0.1", "12.4", "99.9", "100", "1,204"]);
        assert_eq!([1, 12, 1200].map(batches), ["1 batch", "12 batches", "1,200 batches"]);
        assert_eq!(gpu_hours(of_seconds(8 * 5400)), "12.0 GPU-hours");
    }
}
