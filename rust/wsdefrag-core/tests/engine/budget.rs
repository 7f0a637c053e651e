//! A budget of the caller: nothing is held that was not admitted, and what is dropped is given back.

use crate::common::{self, HELLO};
use crate::contract::journal::{self, Seen};
use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::frame::header::Header;
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{
    Collection, Event, Kind, Mask, Memory, Opcode, OutOfMemory, Reassembler, Settings, Sink,
    VecMemory,
};

/// Vectors, and the bytes that were admitted and not given back.
struct Budget {
    limit: usize,
    held: usize,
}

impl Memory for Budget {
    type Content = Vec<u8>;

    fn admit(&mut self, wanted: usize, least: usize) -> Result<usize, Excess> {
        let granted = wanted.min(self.limit - self.held);
        if granted < least {
            let requested = (self.held + least) as u64;
            return Err(Excess::Budget { limit: self.limit as u64, requested });
        }
        self.held += granted;
        Ok(granted)
    }

    fn forgo(&mut self, bytes: usize) {
        self.held = self.held.checked_sub(bytes).expect("given back, but not admitted");
    }

    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Vec<u8>, u8), OutOfMemory> {
        VecMemory.whole(wire, mask)
    }

    fn allocate(&mut self, capacity: usize) -> Result<Vec<u8>, OutOfMemory> {
        VecMemory.allocate(capacity)
    }

    fn grow(&mut self, content: &mut Vec<u8>, capacity: usize) -> Result<(), OutOfMemory> {
        VecMemory.grow(content, capacity)
    }

    fn unmask(&mut self, content: &mut Vec<u8>, wire: &[u8], mask: Mask) -> u8 {
        VecMemory.unmask(content, wire, mask)
    }

    fn inflate(
        &mut self,
        content: &mut Vec<u8>,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        VecMemory.inflate(content, room, stream, input)
    }
}

/// Keeps the events and, if it `keeps_frames`, the headers and payloads of the frames within the budget.
struct Keeper {
    budget: Budget,
    keeps_frames: bool,
    frames: usize,
    events: Vec<Seen>,
}

impl Keeper {
    const fn new(limit: usize, keeps_frames: bool) -> Self {
        let budget = Budget { limit, held: 0 };
        Self { budget, keeps_frames, frames: 0, events: Vec::new() }
    }
}

impl Sink for Keeper {
    type Memory = Budget;

    fn memory(&mut self) -> &mut Budget {
        &mut self.budget
    }

    fn event(&mut self, _: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        self.events.push(journal::own(event));
        Ok(())
    }

    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        if self.keeps_frames {
            self.budget.admit(header.size, header.size)?;
            self.frames += 1;
        }
        Ok(())
    }

    fn payload(&mut self, wire: &[u8], _: Mask, _: usize) -> Result<(), Kind> {
        if self.keeps_frames {
            self.budget.admit(wire.len(), wire.len())?;
        }
        Ok(())
    }
}

fn read(
    settings: Settings,
    collection: Collection,
    mut keeper: Keeper,
    wire: &[u8],
) -> (Keeper, Option<Kind>) {
    let mut reassembler = Reassembler::new(settings).with_collection(collection);
    reassembler.receive_data(wire, &mut keeper);
    let error = reassembler.error().map(|error| error.kind);
    (keeper, error)
}

fn message(content: &[u8]) -> Seen {
    Seen::Message(Opcode::Text, content.to_vec())
}

fn uncollected(length: u64) -> Seen {
    Seen::Uncollected(Opcode::Text, length)
}

/// Each of them is one message of five bytes: in one frame, in two, and compressed.
const FORMS: [&[u8]; 3] = [b"\x81\x05Hello", b"\x01\x03Hel\x80\x02lo", HELLO];

#[test]
fn message_takes_as_much_of_the_budget_as_its_content_has_bytes() {
    for wire in FORMS {
        let settings = common::strict_deflate();
        let (keeper, error) = read(settings, Collection::Required, Keeper::new(5, false), wire);
        assert_eq!((keeper.budget.held, error), (5, None), "{wire:02x?}");
        assert_eq!(keeper.events, [message(b"Hello")], "{wire:02x?}");
        let (keeper, error) = read(settings, Collection::Required, Keeper::new(4, false), wire);
        assert!(
            matches!(error, Some(Kind::Limit(Excess::Budget { limit: 4, requested: 5 }))),
            "{wire:02x?}: {error:?}"
        );
        assert_eq!(keeper.events, []);
    }
}

/// A message that need not be collected gives back what it has, and the next one is collected again.
#[test]
fn message_over_the_budget_is_read_without_being_collected() {
    for wire in FORMS {
        let settings = common::strict_deflate();
        let wire = [wire, b"\x81\x04next"].concat();
        for (limit, expected, held) in [
            (3, &[uncollected(5), uncollected(4)][..], 0),
            (4, &[uncollected(5), message(b"next")], 4),
            (8, &[message(b"Hello"), uncollected(4)], 5),
            (9, &[message(b"Hello"), message(b"next")], 9),
        ] {
            let keeper = Keeper::new(limit, false);
            let (keeper, error) = read(settings, Collection::WithinLimits, keeper, &wire);
            assert_eq!(error, None, "{wire:02x?} {limit}");
            assert_eq!(keeper.events, expected, "{wire:02x?} {limit}");
            assert_eq!(keeper.budget.held, held, "{wire:02x?} {limit}");
        }
    }
}

/// If frames are kept too, a content gives its room to them, and each frame is kept once.
#[test]
fn frames_take_the_room_of_a_content() {
    for (wire, frames) in [(FORMS[0], 1), (FORMS[1], 2), (FORMS[2], 1)] {
        let all = wire.len() + 5;
        for limit in 0..=all {
            let settings = common::strict_deflate();
            let keeper = Keeper::new(limit, true);
            let (keeper, error) = read(settings, Collection::WithinLimits, keeper, wire);
            if limit < wire.len() {
                let limit = limit as u64;
                assert!(
                    matches!(error, Some(Kind::Limit(Excess::Budget { limit: other, .. })) if other == limit),
                    "{wire:02x?} {limit}: {error:?}"
                );
                assert_eq!(keeper.events, [], "{wire:02x?} {limit}");
                continue;
            }
            assert_eq!((keeper.frames, error), (frames, None), "{wire:02x?} {limit}");
            let (seen, held) =
                if limit < all { (uncollected(5), wire.len()) } else { (message(b"Hello"), all) };
            assert_eq!((keeper.events, keeper.budget.held), (vec![seen], held), "{limit}");
        }
        let settings = common::strict_deflate();
        let keeper = Keeper::new(all - 1, true);
        let (_, error) = read(settings, Collection::Required, keeper, wire);
        assert!(matches!(error, Some(Kind::Limit(Excess::Budget { .. }))), "{wire:02x?}");
    }
}

/// A header that two chunks share is held, and so it needs the budget.
#[test]
fn incomplete_header_needs_the_budget() {
    for (limit, is_held) in [(2, false), (3, true)] {
        let keeper = Keeper::new(limit, false);
        let (keeper, error) = read(common::strict(), Collection::Required, keeper, b"\x82\x7e\x01");
        assert_eq!(error.is_none(), is_held, "{error:?}");
        assert_eq!(keeper.budget.held, if is_held { 3 } else { 0 });
    }
}
