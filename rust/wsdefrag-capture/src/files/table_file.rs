//! A file of a table, which this thread encodes, or another one.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::blocks::Blocks;
use super::encoder::Encoder;
pub use super::encoder::Format;
use super::encoder_thread::EncoderThread;
use super::{Compression, EncodeError};

/// Encodes the batches of a table.
#[derive(Debug)]
pub struct TableFile {
    way: Way,
}

#[derive(Debug)]
enum Way {
    Here(Encoder),
    Thread(Box<EncoderThread>),
}

impl TableFile {
    /// A file without rows.
    ///
    /// # Errors
    ///
    /// If there is no memory, or the format has no such type.
    pub fn new(
        format: Format,
        schema: &SchemaRef,
        compression: Compression,
    ) -> Result<Self, EncodeError> {
        Ok(Self { way: Way::Here(Encoder::new(format, schema, compression)?) })
    }

    /// Has another thread encode it from now on, unless the system has no more. Errors may come later then:
    /// with another batch, or at the end.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "one for each file")]
    pub fn in_thread(self) -> Self {
        let way = match self.way {
            Way::Here(encoder) => match EncoderThread::new(encoder) {
                Ok(thread) => Way::Thread(Box::new(thread)),
                Err(encoder) => Way::Here(encoder),
            },
            way @ Way::Thread(_) => way,
        };
        Self { way }
    }

    /// Encodes a batch.
    ///
    /// # Errors
    ///
    /// If there is no memory, or the format cannot hold a value. The file cannot be used after it.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        match &mut self.way {
            Way::Here(encoder) => encoder.write(batch),
            Way::Thread(thread) => thread.write(batch),
        }
    }

    /// Encodes what ends the file.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub fn finish(&mut self) -> Result<(), EncodeError> {
        match &mut self.way {
            Way::Here(encoder) => encoder.finish(),
            Way::Thread(thread) => thread.finish(),
        }
    }

    /// The bytes that are ready.
    pub fn blocks(&mut self) -> &mut Blocks {
        match &mut self.way {
            Way::Here(encoder) => encoder.blocks(),
            Way::Thread(thread) => thread.blocks(),
        }
    }

    /// Whether a whole block is ready.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match &self.way {
            Way::Here(encoder) => encoder.is_full(),
            Way::Thread(thread) => thread.is_full(),
        }
    }

    /// Bytes of the file that are not ready: the pages of a row group.
    #[must_use]
    pub fn held(&self) -> usize {
        match &self.way {
            Way::Here(encoder) => encoder.held(),
            Way::Thread(thread) => thread.held(),
        }
    }

    /// The rows that were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match &self.way {
            Way::Here(encoder) => encoder.rows(),
            Way::Thread(thread) => thread.rows(),
        }
    }
}
