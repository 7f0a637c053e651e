//! An output that writes to a vector, with counted masking keys.

use wsdefrag_core::relay::ByteOutput;
use wsdefrag_core::{Layout, Mask, OutOfMemory, Output, Refusal};

/// An output that keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// What was written.
    pub(crate) bytes: Vec<u8>,
    /// The bytes of an incomplete frame that are held back.
    pub(crate) kept_back: Vec<u8>,
    /// Number of masking keys that were requested.
    pub(crate) keys: u32,
    /// Whether memory is refused.
    pub(crate) refuses: bool,
}

impl Written {
    fn grant(&mut self, bytes: usize) -> Result<&mut [u8], OutOfMemory> {
        if self.refuses {
            return Err(OutOfMemory);
        }
        let start = self.bytes.len();
        self.bytes.resize(start + bytes, 0xAA);
        Ok(&mut self.bytes[start..])
    }
}

impl Output for Written {
    type Bytes = ();

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        self.keys += 1;
        Ok(self.keys.wrapping_mul(0x0101_8307).to_le_bytes())
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        layout.write(self.grant(layout.size())?);
        Ok(())
    }
}

impl ByteOutput for Written {
    fn append(&mut self, bytes: &[u8], mask: Mask) -> Result<(), OutOfMemory> {
        mask.unmask(bytes, self.grant(bytes.len())?);
        Ok(())
    }

    fn hold_back(&mut self, bytes: &[u8], mask: Mask, _: u64) -> Result<(), OutOfMemory> {
        let start = self.kept_back.len();
        self.kept_back.resize(start + bytes.len(), 0xAA);
        mask.unmask(bytes, &mut self.kept_back[start..]);
        Ok(())
    }

    fn release_held_back(&mut self) {
        self.bytes.append(&mut self.kept_back);
    }

    fn discard_held_back(&mut self) {
        self.kept_back.clear();
    }
}
