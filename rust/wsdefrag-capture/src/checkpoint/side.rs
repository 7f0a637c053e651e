//! Indexes of endpoints: 0 or 1. Others are refused where a state is read.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Reads the index of an endpoint.
pub(crate) fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    checked(usize::deserialize(deserializer)?)
}

/// Reads the index of an endpoint, if it is known.
pub(crate) fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Option::<usize>::deserialize(deserializer)?.map(checked).transpose()
}

/// Reads values with the indexes of their endpoints.
pub(crate) fn with_values<'de, D, T, C>(deserializer: D) -> Result<C, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    C: Deserialize<'de>,
    for<'a> &'a C: IntoIterator<Item = &'a (usize, T)>,
{
    let values = C::deserialize(deserializer)?;
    for (side, _) in &values {
        checked(*side)?;
    }
    Ok(values)
}

fn checked<E: Error>(side: usize) -> Result<usize, E> {
    if side < 2 { Ok(side) } else { Err(E::custom("an endpoint has the index 0 or 1")) }
}
