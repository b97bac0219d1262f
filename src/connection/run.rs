//! One run of the engine over wire bytes, by however many forms and steps of it the bytes take.

use std::ops::Range;

use crate::failure::Failure;
use crate::record::layout;
use crate::record::traffic::{Flow, Outcome, PlainSink};

/// The wire bytes of a run, how many of them are done with, and who takes the plain ones.
///
/// A sink that has said stop is not called again: what it was given fills a place that the next plain bytes
/// would take. That is kept here, and not by whoever takes the next step.
pub(super) struct Run<'a, 'b> {
    wire: &'a mut [u8],
    /// How many bytes at the front the engine is done with.
    used: usize,
    /// How many of them the engine was shown, used ones included: records to their end. It puts a message that is not whole
    /// together where it lies, over the headers of its records, so that these cannot be told from each other again.
    shown: usize,
    sink: &'a mut PlainSink<'b>,
    flow: Flow,
}

impl<'a, 'b> Run<'a, 'b> {
    pub(super) fn new(wire: &'a mut [u8], shown: usize, sink: &'a mut PlainSink<'b>) -> Self {
        Self { wire, used: 0, shown, sink, flow: Flow::More }
    }

    /// How many bytes at the front the engine was shown, and may have opened: records to their end. It looks at none behind the one
    /// whose plain bytes have stopped it, and was in the midst of no message when those came.
    pub(super) fn shown(&self) -> usize {
        if self.has_stopped() { self.used } else { self.shown.max(self.used) }
    }

    /// All wire bytes up to `end`.
    pub(super) fn show_all(&mut self, end: usize) -> usize {
        self.shown = self.shown().min(end);
        self.shown += layout::whole_records(&self.wire[self.shown..end]);
        end
    }

    /// Up to where the next record ends, of the wire bytes up to `end`; that, if none is whole.
    pub(super) fn show_record(&mut self, end: usize) -> usize {
        self.shown = self.shown().min(end);
        let Some(length) = layout::record_length(&self.wire[self.shown..end]) else { return end };
        self.shown += length;
        self.shown
    }

    /// How many wire bytes there are, used ones included.
    pub(super) fn length(&self) -> usize {
        self.wire.len()
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The wire bytes up to `end` that the engine has not used.
    pub(super) fn rest(&self, end: usize) -> &[u8] {
        self.between(self.used, end)
    }

    pub(super) fn between(&self, start: usize, end: usize) -> &[u8] {
        &self.wire[start..end]
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.flow == Flow::Stop
    }

    /// Lets a form of the engine receive what is left of the wire bytes up to `end`.
    pub(super) fn step(
        &mut self,
        end: usize,
        receive: impl FnOnce(&mut [u8], &mut PlainSink<'_>) -> Outcome,
    ) -> Result<(), Failure> {
        let Self { wire, used, sink, flow, .. } = self;
        let start = *used;
        let mut overrun = false;
        let mut keep_place = |at: Range<usize>, plain: &[u8]| {
            if *flow == Flow::Stop {
                overrun = true;
            } else {
                *flow = sink(at.start + start..at.end + start, plain);
            }
            *flow
        };
        let outcome = receive(&mut wire[start..end], &mut keep_place);
        *used += outcome.used;
        if overrun {
            // To end is better than to lose bytes and go on.
            return Err(Failure::unexpected("the engine went on where it had to stop"));
        }
        outcome.result
    }
}
