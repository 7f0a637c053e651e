//! The interfaces of a pcapng section.
//!
//! draft-ietf-opsawg-pcapng section 4.2.

use pcap_parser::pcapng::OptionCode;

use crate::file::block::head;
use crate::file::byte_order::Order;
use crate::file::clock::Clock;
use crate::file::error::FileErrorKind;
use serde::{Deserialize, Serialize};

/// An interface that packets were captured at.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Interface {
    pub(super) link: u32,
    /// The snap length: bytes captured per packet at most; 0 if there is no limit.
    pub(super) snap: u32,
    pub(super) clock: Clock,
}

impl Interface {
    /// The interface that the body of its block describes.
    pub(super) fn of(order: Order, body: &[u8]) -> Result<Self, FileErrorKind> {
        let head = head::<8>(body)?;
        let (mut resolution, mut offset) = (6, 0);
        let mut rest = &body[8..];
        while let Some((after, option)) = order.option(rest) {
            rest = after;
            let value = option.as_bytes().unwrap_or_default();
            match (option.code, value) {
                (OptionCode::EndOfOpt, _) => break,
                (OptionCode::IfTsresol, [value]) => resolution = *value,
                (OptionCode::IfTsoffset, value) => {
                    if let Ok(value) = <[u8; 8]>::try_from(value) {
                        offset = order.i64(value);
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            link: u32::from(order.u16(head, 0)),
            snap: order.u32(head, 4),
            clock: Clock::new(resolution, offset),
        })
    }
}
