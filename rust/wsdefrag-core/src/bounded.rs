//! Numbers that index a buffer: a state with others is refused.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads a number below `END`.
pub(crate) fn below<'de, D: Deserializer<'de>, const END: usize>(
    deserializer: D,
) -> Result<usize, D::Error> {
    let number = usize::deserialize(deserializer)?;
    if number < END { Ok(number) } else { Err(D::Error::custom("a number is out of range")) }
}

/// Reads a number up to `MOST`.
pub(crate) fn at_most<'de, D: Deserializer<'de>, const MOST: usize>(
    deserializer: D,
) -> Result<usize, D::Error> {
    let number = usize::deserialize(deserializer)?;
    if number <= MOST { Ok(number) } else { Err(D::Error::custom("a number is out of range")) }
}
