//! A relay between a client and a server that passes everything on as it came.

use wsdefrag_core::relay::{Outbound, Relay};
use wsdefrag_core::write::settings::Settings as Sending;
use wsdefrag_core::{
    Event, Events, Fragmenter, Layout, Opcode, OutOfMemory, Output, Reassembler, Refusal, Settings,
};

/// Takes the frames, and says how many bytes they have.
struct Sent {
    frames: Vec<u8>,
    bytes: u64,
}

impl Output for Sent {
    type Bytes = ();

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        Err(Refusal::NoMaskingKey)
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        let start = self.frames.len();
        self.frames.resize(start + layout.size(), 0);
        layout.write(&mut self.frames[start..]);
        Ok(())
    }
}

/// Reads `wire` in chunks, forwards every message untouched, and gives the bytes that were sent.
pub(crate) fn relay_untouched(settings: Settings, wire: &[u8], chunk: usize) -> u64 {
    let sending = Sending {
        from_client: settings.from_client,
        deflate: settings.deflate,
        compress_from: 0,
        level: 6,
        check_utf8: true,
    };
    let outbound = Outbound::new(sending, settings.deflate, Fragmenter::default(), false);
    let mut relay = Relay::new(&settings, outbound);
    let mut reassembler = Reassembler::new(settings);
    let mut sent = Sent { frames: Vec::new(), bytes: 0 };
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for chunk in wire.chunks(chunk) {
        let mut sink = Events::to(|_, event| {
            if let Event::Message { content, opcode: Opcode::Text, .. } = event {
                messages.push(content);
            }
        });
        reassembler.receive_data(chunk, &mut relay.recording(&mut sink));
        for message in messages.drain(..) {
            relay.hold(message);
            relay.forward(0, None, &mut sent).expect("what came in may go out");
        }
        sent.bytes += sent.frames.len() as u64;
        sent.frames.clear();
    }
    assert_eq!(relay.held(), 0, "nothing waits");
    sent.bytes
}
