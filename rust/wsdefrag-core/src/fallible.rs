//! Allocations that report a refusal instead of ending the process.
//!
//! The standard library's `Box::new`, `push` and `extend` end the process if there is no memory.
//! Here the same calls return [`OutOfMemory`], and leave everything unchanged.

#![expect(clippy::disallowed_methods, reason = "each call has room that was asked for before")]

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use crate::error::OutOfMemory;

/// Vectors and queues that grow only if there is memory.
pub trait TryGrow<T> {
    /// Appends a value.
    fn try_push(&mut self, value: T) -> Result<(), OutOfMemory>;

    /// Appends copies of `values`.
    fn try_append(&mut self, values: &[T]) -> Result<(), OutOfMemory>
    where
        T: Copy;
}

impl<T> TryGrow<T> for Vec<T> {
    #[inline]
    fn try_push(&mut self, value: T) -> Result<(), OutOfMemory> {
        if self.len() == self.capacity() {
            self.try_reserve(1)?;
        }
        self.push(value);
        Ok(())
    }

    #[inline]
    fn try_append(&mut self, values: &[T]) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        self.try_reserve(values.len())?;
        self.extend_from_slice(values);
        Ok(())
    }
}

impl<T> TryGrow<T> for VecDeque<T> {
    #[inline]
    fn try_push(&mut self, value: T) -> Result<(), OutOfMemory> {
        self.try_reserve(1)?;
        self.push_back(value);
        Ok(())
    }

    #[inline]
    fn try_append(&mut self, values: &[T]) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        self.try_reserve(values.len())?;
        self.extend(values);
        Ok(())
    }
}

/// A queue that can make room for values that are added later.
pub trait TryRoom {
    /// Makes room for `more` values; returns for how many there is room.
    fn try_room(&mut self, more: usize) -> Result<usize, OutOfMemory>;
}

impl<T> TryRoom for VecDeque<T> {
    fn try_room(&mut self, more: usize) -> Result<usize, OutOfMemory> {
        self.try_reserve(more)?;
        Ok(self.capacity() - self.len())
    }
}

/// Appends `more` copies of `value` to a vector.
#[inline]
pub fn lengthen<T: Copy>(vector: &mut Vec<T>, more: usize, value: T) -> Result<(), OutOfMemory> {
    vector.try_reserve(more)?;
    vector.resize(vector.len() + more, value);
    Ok(())
}

/// A vector of `length` copies of `value`.
pub fn filled<T: Copy>(value: T, length: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(length)?;
    vector.resize(length, value);
    Ok(vector)
}

/// A vector with exactly `values`.
pub fn copied<T: Copy>(values: &[T]) -> Result<Vec<T>, OutOfMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(values.len())?;
    vector.extend_from_slice(values);
    Ok(vector)
}

/// A `Box` that is made only if there is memory.
#[derive(Debug)]
pub struct TryBox<T>(Box<[T]>);

impl<T> TryBox<T> {
    /// Moves `value` to the heap.
    pub fn new(value: T) -> Result<Self, OutOfMemory> {
        // The standard library has no stable `Box::try_new`; a vector of one value takes the same
        // memory, and is exactly full, so that nothing is moved again.
        let mut one = Vec::new();
        one.try_reserve_exact(1)?;
        one.push(value);
        Ok(Self(one.into_boxed_slice()))
    }
}

impl<T> Deref for TryBox<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0[0]
    }
}

impl<T> DerefMut for TryBox<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_growth_changes_nothing() {
        let mut units = vec![(); usize::MAX];
        assert_eq!(units.try_push(()), Err(OutOfMemory));
        assert_eq!(units.len(), usize::MAX);
        assert_eq!(filled(0_u64, usize::MAX), Err(OutOfMemory));
    }

    #[test]
    fn what_fits_is_appended() {
        let mut vector = vec![1];
        vector.try_push(2).unwrap();
        vector.try_append(&[3, 4]).unwrap();
        assert_eq!(vector, [1, 2, 3, 4]);
        let mut queue = VecDeque::from([1]);
        queue.try_push(2).unwrap();
        queue.try_append(&[3, 4]).unwrap();
        assert_eq!(queue, [1, 2, 3, 4]);
        assert_eq!((filled(7, 2), copied(&[1, 2])), (Ok(vec![7, 7]), Ok(vec![1, 2])));
        let mut boxed = TryBox::new(5).unwrap();
        *boxed += 1;
        assert_eq!(*boxed, 6);
    }
}
