//! An allocator that counts a thread's bytes, and refuses what exceeds a limit.
//!
//! Counts and limits are a thread's own, so that tests do not disturb each other.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    static LIMIT: Cell<isize> = const { Cell::new(isize::MAX) };
    static REQUESTS: Cell<usize> = const { Cell::new(0) };
    static REFUSED_REQUEST: Cell<usize> = const { Cell::new(usize::MAX) };
    static REFUSED: Cell<usize> = const { Cell::new(0) };
}

/// The allocator.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether `more` bytes may be allocated; counts them if so.
fn admit(more: isize) -> bool {
    let live = LIVE.get() + more;
    if more > 0 {
        REQUESTS.set(REQUESTS.get() + 1);
        if live > LIMIT.get() || REQUESTS.get() == REFUSED_REQUEST.get() {
            REFUSED.set(REFUSED.get() + 1);
            return false;
        }
    }
    LIVE.set(live);
    MOST.set(MOST.get().max(live));
    true
}

fn signed(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

// SAFETY: every call is passed on to the system's allocator, or refused with a null pointer, which
// is allowed. Nothing here allocates: the cells are initialized at compile time.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !admit(signed(layout.size())) {
            return ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        admit(-signed(layout.size()));
        // SAFETY: the block came from the system's allocator, with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !admit(signed(size) - signed(layout.size())) {
            return ptr::null_mut();
        }
        // SAFETY: the block came from the system's allocator, and the caller keeps the contract of
        // `realloc`.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Bytes that this thread has allocated and not freed.
pub(crate) fn live() -> isize {
    LIVE.get()
}

/// What happened while a function ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The most bytes that were allocated at once, besides those allocated before.
    pub(crate) most: isize,
    /// Number of requests for memory.
    pub(crate) requests: usize,
    /// Number of refused requests.
    pub(crate) refused: usize,
}

/// What is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refuse {
    Nothing,
    /// What exceeds this many bytes, besides those allocated before.
    Above(usize),
    /// One request, counted from 1.
    Request(usize),
}

/// Calls `work` while some of this thread's requests are refused.
pub(crate) fn refusing<T>(what: Refuse, work: impl FnOnce() -> T) -> (T, Run) {
    let before = LIVE.get();
    MOST.set(before);
    REQUESTS.set(0);
    REFUSED.set(0);
    match what {
        Refuse::Nothing => {}
        Refuse::Above(bytes) => LIMIT.set(before.saturating_add(signed(bytes))),
        Refuse::Request(number) => REFUSED_REQUEST.set(number),
    }
    let result = work();
    LIMIT.set(isize::MAX);
    REFUSED_REQUEST.set(usize::MAX);
    let run = Run { most: MOST.get() - before, requests: REQUESTS.get(), refused: REFUSED.get() };
    (result, run)
}
