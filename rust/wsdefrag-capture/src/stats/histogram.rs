//! Counts of values, from which percentiles are read.
//!
//! A bucket is as wide as a 32nd of the power of two below its values, so a percentile is at most 1.6 % off.
//! Values below 32 have a bucket each. Minimum, maximum and mean are exact.

#![expect(clippy::disallowed_methods, reason = "at most 1,920 buckets")]

use serde_json::{Value, json};

/// Buckets for each power of two, as a power of two.
const BITS: u32 = 5;

/// Counts of values.
///
/// - `counts` is in the order of the buckets, and each is there at most once
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: Vec<(u16, u64)>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

/// The bucket of a value.
fn bucket(value: u64) -> u16 {
    let power = value.checked_ilog2().unwrap_or(0);
    let bucket = match power.checked_sub(BITS) {
        None => value,
        Some(shift) => (u64::from(shift + 1) << BITS) + (value >> shift) - (1 << BITS),
    };
    u16::try_from(bucket).expect("60 powers of two with 32 buckets each")
}

/// The smallest value of a bucket.
fn start(bucket: u16) -> u64 {
    match (bucket >> BITS).checked_sub(1) {
        None => u64::from(bucket),
        Some(shift) => (u64::from(bucket & ((1 << BITS) - 1)) + (1 << BITS)) << shift,
    }
}

impl Histogram {
    /// Counts a value.
    pub(super) fn add(&mut self, value: u64) {
        let bucket = bucket(value);
        match self.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(place) => self.counts[place].1 += 1,
            Err(place) => self.counts.insert(place, (bucket, 1)),
        }
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum += u128::from(value);
    }

    /// The value that this part of all values does not exceed, from 0 to 1.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank from 1 to the count"
    )]
    fn percentile(&self, part: f64) -> u64 {
        let rank = ((self.count as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in &self.counts {
            seen += count;
            if seen >= rank {
                let (first, next) = (start(*bucket), start(*bucket + 1));
                return (first + (next - first) / 2).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// The figures: count, min, mean, percentiles, max; each value after `unit`. Null if it is empty.
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    pub(super) fn figures(&self, unit: impl Fn(f64) -> Value) -> Value {
        if self.count == 0 {
            return Value::Null;
        }
        let value = |value: u64| unit(value as f64);
        json!({
            "count": self.count,
            "min": value(self.min),
            "mean": unit(self.sum as f64 / self.count as f64),
            "p50": value(self.percentile(0.5)),
            "p90": value(self.percentile(0.9)),
            "p99": value(self.percentile(0.99)),
            "max": value(self.max),
        })
    }

    /// How many values lie below each power of two and not below the one before it: pairs.
    pub(super) fn powers(&self) -> Value {
        let mut powers: Vec<(u64, u64)> = Vec::new();
        for (bucket, count) in &self.counts {
            let end = start(*bucket).checked_add(1).map_or(u64::MAX, u64::next_power_of_two);
            match powers.last_mut() {
                Some((last, sum)) if *last == end => *sum += count,
                _ => powers.push((end, *count)),
            }
        }
        json!(powers)
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_begin_where_they_say() {
        let values =
            (0..100_000).chain((17..64).flat_map(|power| {
                [(1 << power) - 1, 1 << power, (1 << power) + 1, 3 << (power - 2)]
            }));
        for value in values.chain([u64::MAX]) {
            let its = bucket(value);
            assert!(start(its) <= value, "{value}");
            assert!(value == u64::MAX || bucket(value + 1) >= its, "{value}");
            let wide = value - start(its);
            assert!(wide <= value / 32, "{value}");
        }
    }

    #[test]
    fn percentiles_are_within_two_percent() {
        let mut histogram = Histogram::default();
        for value in 1..=10_000 {
            histogram.add(value * 7);
        }
        for (part, exact) in [(0.5, 35_000.0), (0.9, 63_000.0), (0.99, 69_300.0)] {
            let found = histogram.percentile(part) as f64;
            assert!((found / exact - 1.0).abs() < 0.02, "{part}: {found}");
        }
        let figures = histogram.figures(|value| json!(value));
        assert_eq!((&figures["min"], &figures["max"]), (&json!(7.0), &json!(70_000.0)));
        assert_eq!(figures["mean"], json!(35_003.5));
    }

    #[test]
    fn powers_count_every_value() {
        let mut histogram = Histogram::default();
        for value in [0, 1, 2, 3, 4, 100, 127, 128, 1_000_000] {
            histogram.add(value);
        }
        let expected = json!([[1, 1], [2, 1], [4, 2], [8, 1], [128, 2], [256, 1], [1_048_576, 1]]);
        assert_eq!(histogram.powers(), expected);
    }
}
