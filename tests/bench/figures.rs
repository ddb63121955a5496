//! What the benches beside it share: their arguments, and what they say of many values.

/// The word behind `name` on the command line.
pub(crate) fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

/// `name` stands on the command line.
#[allow(dead_code, reason = "not every bench has such an argument")]
pub(crate) fn is_asked(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// The value below which so many in a hundred lie; no number where there is none.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * percent + 50) / 100).copied().unwrap_or(f64::NAN)
}
