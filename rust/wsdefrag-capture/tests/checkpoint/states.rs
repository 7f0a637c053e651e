//! States themselves: their size, and those that are refused.
