//! Damaged versions of captures: packets that are missing, twice, in another order or changed.

/// Numbers that look random and are the same in each run (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes.try_into().unwrap()) as usize
}

/// The bytes before the packets, and each record or block of a file whose numbers are little-endian.
pub(crate) fn records(file: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let is_pcapng = file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    let (head, mut rest) = file.split_at(if is_pcapng { 0 } else { 24 });
    let mut records = Vec::new();
    while rest.len() >= 16 {
        let length = if is_pcapng { number(&rest[4..8]) } else { 16 + number(&rest[8..12]) };
        let (record, after) = rest.split_at(length.clamp(12, rest.len()));
        records.push(record);
        rest = after;
    }
    (head, records)
}

/// A damaged version of a capture.
pub(crate) fn mutated(file: &[u8], random: &mut Random) -> Vec<u8> {
    let (head, mut records) = records(file);
    let rate = 10 + random.below(200);
    // Blocks that say how packets are read stay in front.
    let first = if head.is_empty() { 3.min(records.len()) } else { 0 };
    let mut index = first;
    while index < records.len() {
        if random.one_in(rate) {
            match random.below(3) {
                0 => {
                    records.remove(index);
                }
                1 => records.insert(index, records[index]),
                _ => {
                    let other = (index + 1 + random.below(40)).min(records.len() - 1);
                    let record = records.remove(index);
                    records.insert(other.min(records.len()), record);
                }
            }
        }
        index += 1;
    }
    let mut bytes = head.to_vec();
    for record in records {
        let start = bytes.len();
        bytes.extend_from_slice(record);
        if record.len() > 70 && random.one_in(10 * rate) {
            let place = 60 + random.below(record.len() - 64);
            bytes[start + place] ^= u8::try_from(1 + random.below(255)).unwrap();
        }
    }
    bytes
}
