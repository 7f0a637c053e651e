//! IEEE 802.11 data frames, and the headers that capturing systems put before them.
//!
//! Only data frames carry packets: a header of 24 to 36 bytes, then 802.2. Encrypted frames,
//! fragments and frames with several packets are not read.
//!
//! IEEE 802.11-2020 section 9.2.3; <https://www.radiotap.org>; `LINKTYPE_IEEE802_11`,
//! `LINKTYPE_IEEE802_11_RADIOTAP` and `LINKTYPE_PPI`.

use crate::packet::datagram::Rest;
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::unread::Unread;

// The first byte of the frame control field.
const VERSION_AND_TYPE: u8 = 0x0f;
const DATA: u8 = 0x08;
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;

// The second byte.
const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// Where the sequence control field is; its lowest 4 bits are the fragment number.
const FRAGMENT: usize = 22;

/// Several packets in a frame, in the first byte of the `QoS` control field.
const AGGREGATED: u8 = 0x80;

/// Removes an 802.11 header. `padded` tells that it is padded to a multiple of 4 bytes.
#[must_use]
pub fn wifi(frame: Rest<'_>, padded: bool) -> Step<'_> {
    let Some([control, flags]) = frame.bytes.first_chunk::<2>().copied() else {
        return Step::Malformed;
    };
    data_frame(frame, control, flags, FRAGMENT, padded)
}

/// Removes an 802.11 header whose frame control and sequence control fields may be big-endian, as some
/// controllers send them in CAPWAP.
#[must_use]
pub fn swapped(frame: Rest<'_>) -> Step<'_> {
    match frame.bytes.first_chunk::<2>().copied() {
        Some([flags, control])
            if flags & VERSION_AND_TYPE != DATA && control & VERSION_AND_TYPE == DATA =>
        {
            data_frame(frame, control, flags, FRAGMENT + 1, false)
        }
        _ => wifi(frame, false),
    }
}

/// `fragment` is the position of the byte with the fragment number.
fn data_frame(frame: Rest<'_>, control: u8, flags: u8, fragment: usize, padded: bool) -> Step<'_> {
    if control & VERSION_AND_TYPE != DATA || control & NO_DATA != 0 {
        return Step::Other;
    }
    if flags & PROTECTED != 0 {
        return Step::Unread(Unread::EncryptedWifi);
    }
    let mut size = 24;
    if flags & (TO_DS | FROM_DS) == TO_DS | FROM_DS {
        size += 6;
    }
    let qos = size;
    let has_qos = control & QOS != 0;
    if has_qos {
        size += if flags & ORDER == 0 { 2 } else { 6 };
    }
    let Some(header) = frame.bytes.get(..size) else { return Step::Malformed };
    let fragment_number = header[fragment] & 0x0f;
    if fragment_number != 0 || flags & MORE_FRAGMENTS != 0 {
        return Step::Unread(Unread::FragmentedWifi);
    }
    if has_qos && header[qos] & AGGREGATED != 0 {
        return Step::Unread(Unread::AggregatedWifi);
    }
    let size = if padded { size.next_multiple_of(4) } else { size };
    Step::next(Header::Llc, frame.skip(size))
}

/// Removes a radiotap header: version, length, words that say which fields follow, the fields.
#[must_use]
pub fn radiotap(rest: Rest<'_>) -> Step<'_> {
    const MORE_WORDS: u32 = 1 << 31;
    const TIMER: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    // Values of the field of flags.
    const PADDED: u8 = 0x20;
    const BAD_CHECK_SEQUENCE: u8 = 0x40;
    let Some((head, _)) = rest.split::<8>() else { return Step::Malformed };
    let size = usize::from(u16::from_le_bytes([head[2], head[3]]));
    let (Some(header), Some(frame)) = (rest.bytes.get(..size), rest.skip(size)) else {
        return Step::Malformed;
    };
    if size < head.len() {
        return Step::Malformed;
    }
    let present = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let words = header.get(4..).unwrap_or_default().chunks_exact(4);
    let more = |word: &[u8]| u32::from_le_bytes([word[0], word[1], word[2], word[3]]) & MORE_WORDS;
    let mut fields = 4 + 4 * (1 + words.take_while(|word| more(word) != 0).count());
    if present & TIMER != 0 {
        fields = fields.next_multiple_of(8) + 8;
    }
    let flags = match header.get(fields) {
        Some(flags) if present & FLAGS != 0 => *flags,
        _ => 0,
    };
    if flags & BAD_CHECK_SEQUENCE != 0 {
        return Step::Malformed;
    }
    Step::Next(Header::Wifi { padded: flags & PADDED != 0 }, frame)
}

/// Removes a header of per-packet information: version, flags, length, link type, fields.
#[must_use]
pub fn per_packet_information(rest: Rest<'_>) -> Step<'_> {
    let Some((head, _)) = rest.split::<8>() else { return Step::Malformed };
    let size = usize::from(u16::from_le_bytes([head[2], head[3]]));
    if size < head.len() {
        return Step::Malformed;
    }
    let link = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    Step::next(Header::Link(link), rest.skip(size))
}

/// Removes an FDDI header (ISO 9314-2): frame control, two addresses, then 802.2.
#[must_use]
pub fn fddi(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<13>() else { return Step::Malformed };
    // Frames of logical link control, asynchronous or synchronous.
    if header[0] & 0x30 == 0x10 { Step::Next(Header::Llc, payload) } else { Step::Other }
}
