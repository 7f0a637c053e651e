//! A writer of frames and compressed payloads that shares no code with the engine.
//!
//! It writes whatever its caller asks for, also what the RFC forbids. Frames follow RFC 6455
//! section 5.2; compression follows RFC 7692 section 7.2.1 and uses zlib-rs's compressor.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Method, Status, Strategy, compress_bound};

const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// The form of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The shortest form.
    Shortest,
    /// 16 bits, if the length fits.
    Bits16,
    /// 64 bits.
    Bits64,
}

/// A frame to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// The opcode, four bits.
    pub(crate) opcode: u8,
    /// The FIN bit.
    pub(crate) fin: bool,
    /// The three reserved bits; RSV1 counts 4.
    pub(crate) rsv: u8,
    /// The masking key, if the frame is masked.
    pub(crate) key: Option<[u8; 4]>,
    /// The form of its length.
    pub(crate) form: Form,
}

impl Wire {
    /// An unmasked, unfragmented frame.
    pub(crate) const fn new(opcode: u8) -> Self {
        Self { opcode, fin: true, rsv: 0, key: None, form: Form::Shortest }
    }

    /// The form that its length gets.
    pub(crate) fn form_of(&self, length: usize) -> Form {
        match self.form {
            Form::Bits16 | Form::Shortest if length > 0xFFFF => Form::Bits64,
            Form::Shortest if length > 125 => Form::Bits16,
            form => form,
        }
    }

    /// Appends the header of a payload of `length` bytes.
    pub(crate) fn write_header(&self, length: usize, out: &mut Vec<u8>) {
        out.push(u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode);
        let masked = u8::from(self.key.is_some()) << 7;
        let length = length as u64;
        match self.form_of(usize::try_from(length).unwrap()) {
            Form::Shortest => out.push(masked | u8::try_from(length).unwrap()),
            Form::Bits16 => {
                out.push(masked | LENGTH_16);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            Form::Bits64 => {
                out.push(masked | LENGTH_64);
                out.extend(length.to_be_bytes());
            }
        }
        out.extend(self.key.iter().flatten());
    }

    /// Appends the frame.
    pub(crate) fn write(&self, payload: &[u8], out: &mut Vec<u8>) {
        self.write_header(payload.len(), out);
        let key = self.key.unwrap_or_default();
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

/// How a compressed payload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A sync flush without its last four bytes.
    Flush,
    /// A final block.
    Final,
    /// A final block and the header of an empty one (RFC 7692 section 7.2.3.4).
    FinalAndEmpty,
}

/// The compressor of one direction.
pub(crate) struct Deflater {
    deflate: Deflate,
    takeover: bool,
}

impl Deflater {
    /// A compressor with an empty window. zlib writes no raw deflate for a window of 8 bits. Such a
    /// sender may use distances below 256 only; run-length compression has only the distance 1.
    pub(crate) fn new(level: i32, window_bits: u8, strategy: Strategy, takeover: bool) -> Self {
        let strategy = if window_bits == 8 { Strategy::Rle } else { strategy };
        let config = DeflateConfig {
            level,
            method: Method::Deflated,
            window_bits: -i32::from(window_bits.max(9)),
            mem_level: 8,
            strategy,
        };
        Self { deflate: Deflate::new_with_config(config), takeover }
    }

    /// The payload of one compressed message.
    pub(crate) fn compress(&mut self, content: &[u8], ending: Ending) -> Vec<u8> {
        let flush = match ending {
            Ending::Flush => DeflateFlush::SyncFlush,
            Ending::Final | Ending::FinalAndEmpty => DeflateFlush::Finish,
        };
        let mut payload = self.run(content, flush);
        if ending == Ending::Flush {
            // An empty message is the one byte 00 (RFC 7692 section 7.2.3.6).
            let size = payload.len().saturating_sub(4);
            assert!(payload.is_empty() || payload[size..] == [0x00, 0x00, 0xFF, 0xFF]);
            payload.truncate(size);
            if payload.is_empty() {
                payload.push(0);
            }
        }
        if ending == Ending::FinalAndEmpty {
            payload.push(0);
        }
        if ending != Ending::Flush || !self.takeover {
            self.deflate.reset();
        }
        payload
    }

    fn run(&mut self, content: &[u8], flush: DeflateFlush) -> Vec<u8> {
        let before = (self.deflate.total_in(), self.deflate.total_out());
        let mut payload = vec![0; compress_bound(content.len()) + 1024];
        let status = self.deflate.compress(content, &mut payload, flush).unwrap();
        assert_eq!(self.deflate.total_in() - before.0, content.len() as u64);
        assert_eq!(status == Status::StreamEnd, flush == DeflateFlush::Finish);
        let size = usize::try_from(self.deflate.total_out() - before.1).unwrap();
        assert!(size < payload.len(), "a buffer that is full may have cut something off");
        payload.truncate(size);
        payload
    }
}
