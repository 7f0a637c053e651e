//! The timeouts of a connection that is relayed, without a clock.
//!
//! The caller gives the time with each call, as seconds of any clock that does not go backwards.
//! What happened since the last call is dated by the next one, so a caller who asks for the next
//! deadline after each change gets exact timeouts.
//!
//! ```text
//! idle     neither side has sent anything
//! ping     a side has sent nothing, then a ping was sent to it, and it has still sent nothing
//! write    bytes for a side wait, and none were taken
//! close    a Close was sent to a side, and its stream has not ended
//! ```
//!
//! Each timeout passes once. It begins anew when what it waits for has happened.
//!
//! It implements RFC 6455 sections 5.5.2 (keepalive) and 7.1.1 (a bounded wait for the end).

/// How long to wait, in seconds; `None` for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timeouts {
    /// For bytes from either side.
    pub idle: Option<f64>,
    /// For bytes from a side, before it gets a ping.
    pub ping_interval: Option<f64>,
    /// For bytes from a side that got a ping.
    pub ping: Option<f64>,
    /// For waiting bytes to be taken.
    pub write: Option<f64>,
    /// For the end of the stream of a side that got a Close.
    pub close: Option<f64>,
}

/// What is known about one side when the caller asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Bytes that it has sent.
    pub received: u64,
    /// Bytes for it that wait to be taken.
    pub waiting: usize,
    /// Bytes for it that were taken.
    pub taken: u64,
    /// Whether a Close was sent to it.
    pub close_sent: bool,
    /// Whether its stream has ended.
    pub ended: bool,
}

/// What is due at a deadline. The number is the side's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The connection is idle.
    Idle,
    /// A ping has to be sent to this side. This is not a timeout.
    SendPing(usize),
    /// This side has not answered a ping.
    Ping(usize),
    /// This side does not take its bytes.
    Write(usize),
    /// This side has not ended its stream after a Close.
    Close(usize),
}

/// A point in time from which a timeout runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Wait {
    /// Nothing is waited for.
    #[default]
    Off,
    Since(f64),
    /// The timeout has passed.
    Passed,
}

impl Wait {
    fn deadline(self, timeout: Option<f64>) -> Option<f64> {
        match (self, timeout) {
            (Self::Since(since), Some(timeout)) => Some(since + timeout),
            _ => None,
        }
    }

    /// Begins to wait, or goes on waiting, if `waits`.
    fn update(&mut self, waits: bool, now: f64) {
        match (waits, *self) {
            (false, _) => *self = Self::Off,
            (true, Self::Off) => *self = Self::Since(now),
            (true, Self::Since(_) | Self::Passed) => {}
        }
    }
}

/// One side, and what it is waited for.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    last: Side,
    /// When the last bytes came; the wait for a ping to be sent.
    silence: Wait,
    ping: Wait,
    write: Wait,
    close: Wait,
}

impl Watched {
    fn observe(&mut self, now: f64, side: Side) {
        let before = std::mem::replace(&mut self.last, side);
        if side.received != before.received {
            (self.silence, self.ping) = (Wait::Off, Wait::Off);
        }
        if side.taken != before.taken {
            self.write = Wait::Off;
        }
        let open = !side.ended && !side.close_sent;
        self.silence.update(open, now);
        self.ping.update(open && self.silence == Wait::Passed, now);
        self.write.update(side.waiting > 0, now);
        self.close.update(side.close_sent && !side.ended, now);
    }
}

/// The timeouts of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    timeouts: Timeouts,
    sides: [Watched; 2],
    idle: Wait,
}

impl Deadlines {
    /// Nothing is waited for until the first observation.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, sides: Default::default(), idle: Wait::Off }
    }

    /// Whether no timeout is set.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.timeouts == Timeouts::default()
    }

    /// Notes the state of both sides at the time `now`.
    pub fn observe(&mut self, now: f64, sides: [Side; 2]) {
        let received = |watched: &Watched, side: &Side| watched.last.received != side.received;
        if self.sides.iter().zip(&sides).any(|(watched, side)| received(watched, side)) {
            self.idle = Wait::Off;
        }
        self.idle.update(!sides.iter().all(|side| side.ended), now);
        for (watched, side) in self.sides.iter_mut().zip(sides) {
            watched.observe(now, side);
        }
    }

    /// The earliest deadline, if any.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        self.earliest().map(|(at, _)| at)
    }

    /// Takes the earliest thing that is due at the time `now`, with its deadline. To be called until
    /// nothing is left.
    pub fn take_due(&mut self, now: f64) -> Option<(f64, Due)> {
        let (at, due) = self.earliest().filter(|(at, _)| *at <= now)?;
        match due {
            Due::Idle => self.idle = Wait::Passed,
            Due::SendPing(side) => {
                (self.sides[side].silence, self.sides[side].ping) =
                    (Wait::Passed, Wait::Since(now));
            }
            Due::Ping(side) => self.sides[side].ping = Wait::Passed,
            Due::Write(side) => self.sides[side].write = Wait::Passed,
            Due::Close(side) => self.sides[side].close = Wait::Passed,
        }
        Some((at, due))
    }

    fn earliest(&self) -> Option<(f64, Due)> {
        let Timeouts { idle, ping_interval, ping, write, close } = self.timeouts;
        let of_side = |index: usize| {
            let side = &self.sides[index];
            [
                (side.silence.deadline(ping_interval), Due::SendPing(index)),
                (side.ping.deadline(ping), Due::Ping(index)),
                (side.write.deadline(write), Due::Write(index)),
                (side.close.deadline(close), Due::Close(index)),
            ]
        };
        let all = [(self.idle.deadline(idle), Due::Idle)];
        let all = all.into_iter().chain(of_side(0)).chain(of_side(1));
        let set = all.filter_map(|(at, due)| Some((at?, due)));
        set.min_by(|(one, _), (other, _)| one.total_cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_due(deadlines: &mut Deadlines, now: f64) -> Vec<(f64, Due)> {
        std::iter::from_fn(|| deadlines.take_due(now)).collect()
    }

    fn received(bytes: u64) -> Side {
        Side { received: bytes, ..Side::default() }
    }

    #[test]
    fn idle_passes_once_and_begins_anew_with_bytes_of_either_side() {
        let mut deadlines = Deadlines::new(Timeouts { idle: Some(10.0), ..Timeouts::default() });
        assert_eq!(deadlines.next(), None, "nothing was observed");
        deadlines.observe(100.0, [received(0), received(0)]);
        assert_eq!(deadlines.next(), Some(110.0));
        deadlines.observe(105.0, [received(0), received(7)]);
        assert_eq!(deadlines.next(), Some(115.0));
        assert_eq!(all_due(&mut deadlines, 114.9), []);
        assert_eq!(all_due(&mut deadlines, 115.0), [(115.0, Due::Idle)]);
        deadlines.observe(120.0, [received(0), received(7)]);
        assert_eq!(deadlines.next(), None, "it has passed");
        deadlines.observe(121.0, [received(1), received(7)]);
        assert_eq!(deadlines.next(), Some(131.0));
        let over = Side { ended: true, ..Side::default() };
        deadlines.observe(122.0, [Side { received: 1, ..over }, Side { received: 7, ..over }]);
        assert_eq!(deadlines.next(), None, "both streams have ended");
    }

    #[test]
    fn ping_is_sent_in_a_silence_and_has_to_be_answered() {
        let timeouts =
            Timeouts { ping_interval: Some(20.0), ping: Some(5.0), ..Timeouts::default() };
        let mut deadlines = Deadlines::new(timeouts);
        deadlines.observe(0.0, [received(0), received(0)]);
        deadlines.observe(12.0, [received(3), received(0)]);
        assert_eq!(all_due(&mut deadlines, 21.0), [(20.0, Due::SendPing(1))]);
        assert_eq!(deadlines.next(), Some(26.0), "five seconds after it was sent");
        deadlines.observe(22.0, [received(3), received(2)]);
        assert_eq!(deadlines.next(), Some(32.0), "answered; now the other side is due");
        assert_eq!(all_due(&mut deadlines, 32.0), [(32.0, Due::SendPing(0))]);
        assert_eq!(all_due(&mut deadlines, 37.0), [(37.0, Due::Ping(0))]);
        assert_eq!(deadlines.next(), Some(42.0), "no second ping to the side that is silent");
        let closed = Side { close_sent: true, received: 2, ..Side::default() };
        deadlines.observe(38.0, [received(3), closed]);
        assert_eq!(deadlines.next(), None, "no ping after a Close");
    }

    #[test]
    fn write_waits_for_the_next_bytes_to_be_taken() {
        let mut deadlines = Deadlines::new(Timeouts { write: Some(3.0), ..Timeouts::default() });
        let side = |waiting, taken| [Side { waiting, taken, ..Side::default() }, Side::default()];
        deadlines.observe(0.0, side(0, 0));
        assert_eq!(deadlines.next(), None);
        deadlines.observe(1.0, side(10, 0));
        deadlines.observe(2.0, side(20, 0));
        assert_eq!(deadlines.next(), Some(4.0), "since the first byte");
        deadlines.observe(3.0, side(5, 15));
        assert_eq!(deadlines.next(), Some(6.0), "since some were taken");
        assert_eq!(all_due(&mut deadlines, 9.0), [(6.0, Due::Write(0))]);
        deadlines.observe(10.0, side(0, 20));
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn close_waits_for_the_end_of_the_stream() {
        let mut deadlines = Deadlines::new(Timeouts { close: Some(2.0), ..Timeouts::default() });
        let closed = Side { close_sent: true, ..Side::default() };
        deadlines.observe(5.0, [Side::default(), closed]);
        deadlines.observe(6.0, [Side::default(), Side { received: 9, ..closed }]);
        assert_eq!(deadlines.next(), Some(7.0), "its Close is not the end");
        let ended = Side { ended: true, received: 9, ..closed };
        deadlines.observe(6.5, [closed, ended]);
        assert_eq!(all_due(&mut deadlines, 9.0), [(8.5, Due::Close(0))]);
    }
}
