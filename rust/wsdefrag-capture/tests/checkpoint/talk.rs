//! A made connection: a handshake, and messages in segments of their own.

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A text of a hundred bytes, as programs send it.
pub(crate) fn text(number: u64) -> String {
    let value = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    format!(
        r#"{{"type":"quote","instrument":"EURUSD{}","bid":{value},"ask":{},"sequence":{number}}}"#,
        value % 7,
        value + 3
    )
}

/// The packets of one connection.
pub(crate) struct Talk {
    packets: Vec<Vec<u8>>,
    sequences: [u32; 2],
}

impl Talk {
    /// A connection after its handshake, with these extensions.
    pub(crate) fn new(extensions: &str) -> Self {
        let mut talk = Self { packets: Vec::new(), sequences: [1000, 70_000] };
        let field = match extensions {
            "" => String::new(),
            some => format!("Sec-WebSocket-Extensions: {some}\r\n"),
        };
        talk.segment(true, 2, b"");
        talk.segment(false, 18, b"");
        talk.segment(
            true,
            16,
            format!(
                "GET /quotes HTTP/1.1\r\nHost: quotes.example\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: {KEY}\r\n{field}\r\n"
            )
            .as_bytes(),
        );
        talk.segment(
            false,
            16,
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {ACCEPT}\r\n{field}\r\n"
            )
            .as_bytes(),
        );
        talk
    }

    /// Adds a text message.
    pub(crate) fn message(&mut self, from_client: bool, compressed: bool, content: &[u8]) {
        let payload = if compressed {
            // Stored blocks fill the window just as well.
            let length = u16::try_from(content.len()).unwrap();
            let head = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
            [&head[..], content, &[0]].concat()
        } else {
            content.to_vec()
        };
        let mut frame = vec![if compressed { 0xc1 } else { 0x81 }];
        let length = u16::try_from(payload.len()).unwrap();
        let mask = if from_client { 0x80 } else { 0 };
        match length {
            126.. => {
                frame.push(mask + 126);
                frame.extend(length.to_be_bytes());
            }
            _ => frame.push(mask + u8::try_from(length).unwrap()),
        }
        if from_client {
            let key = [7, 11, 13, 17];
            frame.extend(key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            frame.extend(payload);
        }
        self.segment(from_client, 16, &frame);
    }

    /// Adds a segment with these flags.
    fn segment(&mut self, from_client: bool, flags: u8, bytes: &[u8]) {
        let side = usize::from(!from_client);
        let ends = [([192, 0, 2, 1], 40_000_u16), ([192, 0, 2, 2], 80)];
        let (from, to) = (ends[side], ends[1 - side]);
        let mut packet = vec![0x45, 0];
        packet.extend(u16::try_from(40 + bytes.len()).unwrap().to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(from.0);
        packet.extend(to.0);
        packet.extend(from.1.to_be_bytes());
        packet.extend(to.1.to_be_bytes());
        packet.extend(self.sequences[side].to_be_bytes());
        packet.extend(self.sequences[1 - side].to_be_bytes());
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(bytes);
        self.packets.push(packet);
        let length = u32::try_from(bytes.len()).unwrap() + u32::from(flags & 3 != 0);
        self.sequences[side] = self.sequences[side].wrapping_add(length);
    }

    /// A pcap file of raw IP packets.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x4_0000, 101]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect::<Vec<_>>();
        for (number, packet) in (0_u32..).zip(&self.packets) {
            let length = u32::try_from(packet.len()).unwrap();
            for field in [1_700_000_000 + number / 1000, number % 1000 * 1000, length, length] {
                file.extend(field.to_le_bytes());
            }
            file.extend(packet);
        }
        file
    }
}
