//! Times as programs write them: seconds since the epoch, with decimals.

/// Decimals that count.
const DECIMALS: u32 = 9;

/// Nanoseconds since the epoch of a number of seconds in decimal notation. More than nine decimals are cut.
///
/// `None` if it is no number, or the time is out of range.
pub(super) fn nanoseconds(text: &str) -> Option<i64> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
        return rounded(text);
    }
    let mut nanoseconds = whole.parse::<i64>().ok()?.checked_mul(10_i64.pow(DECIMALS))?;
    let mut unit = 10_i64.pow(DECIMALS);
    for digit in fraction.bytes().take(DECIMALS as usize) {
        unit /= 10;
        nanoseconds = nanoseconds.checked_add(i64::from(digit - b'0') * unit)?;
    }
    Some(if is_negative { -nanoseconds } else { nanoseconds })
}

/// The same of a number with an exponent.
#[expect(clippy::cast_possible_truncation, reason = "the range is tested")]
fn rounded(text: &str) -> Option<i64> {
    let nanoseconds = text.parse::<f64>().ok()? * 1e9;
    (nanoseconds.abs() < 9e18).then_some(nanoseconds.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, expected) in [
            ("1700000000.123456789", Some(1_700_000_000_123_456_789)),
            ("1700000000.1234567891", Some(1_700_000_000_123_456_789)),
            ("1700000000", Some(1_700_000_000_000_000_000)),
            ("1700000000.5", Some(1_700_000_000_500_000_000)),
            ("-0.25", Some(-250_000_000)),
            ("1e-09", Some(1)),
            ("1.5E3", Some(1_500_000_000_000)),
            ("", None),
            ("-", None),
            ("nan", None),
            ("inf", None),
            ("1e300", None),
            ("99999999999.0", None),
            ("12a", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }
}
