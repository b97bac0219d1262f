//! The two directions of a connection whose records are sealed and opened here, for two threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::own::Own;
use super::receiver::{Answering, Receiver};
use super::sender::Sender;
use super::traffic::{
    HandshakeFacts, KeySchedule, Outcome, PlainMemory, PlainSink, Receiving, Remembered, Sending, Straight,
    TrafficHalves,
};
use crate::failure::Failure;

/// What both use: the receiving half only where a record of the peer's asks for something.
struct Shared {
    sender: Sender,
    schedule: Box<dyn KeySchedule>,
}

/// A panic inside of a call ends that half, and is not the other one's.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn split(own: Own) -> TrafficHalves {
    let Own { sender, receiver, schedule, remembered, .. } = own;
    let shared = Arc::new(Mutex::new(Shared { sender, schedule }));
    let sending = Box::new(SendingHalf { shared: Arc::clone(&shared), over: false });
    TrafficHalves {
        receiving: Box::new(ReceivingHalf { receiver, shared, remembered, owed: false }),
        sending,
    }
}

struct ReceivingHalf {
    receiver: Receiver,
    shared: Arc<Mutex<Shared>>,
    remembered: Remembered,
    owed: bool,
}

/// Records for the peer are left with the sending half.
struct Left<'a> {
    shared: &'a Mutex<Shared>,
    owed: &'a mut bool,
}

impl Answering for Left<'_> {
    fn with<R>(&mut self, run: impl FnOnce(&mut Sender, &mut dyn KeySchedule, &mut Vec<u8>) -> R) -> R {
        let mut shared = lock(self.shared);
        let Shared { sender, schedule } = &mut *shared;
        let mut out = sender.take_queued();
        let before = out.len();
        let result = run(sender, &mut **schedule, &mut out);
        *self.owed |= sender.queue(out) > before;
        result
    }
}

impl Receiving for ReceivingHalf {
    fn receive(&mut self, wire: &mut [u8], sink: &mut PlainSink<'_>) -> Outcome {
        let Self { receiver, shared, remembered, owed } = self;
        let outcome = receiver.receive(wire, sink, &mut Left { shared, owed });
        remembered.tickets = receiver.tickets();
        outcome
    }

    fn open_into(&mut self, wire: &[u8], memory: &mut dyn PlainMemory) -> Straight {
        self.receiver.open_into(wire, memory)
    }

    fn rest(&mut self) {
        self.receiver.rest();
    }

    fn take_owed(&mut self) -> bool {
        std::mem::take(&mut self.owed)
    }

    fn peer_closed(&self) -> bool {
        self.receiver.is_closed()
    }

    fn handshake_facts(&self) -> &dyn HandshakeFacts {
        &self.remembered
    }

    fn handshake_facts_mut(&mut self) -> &mut dyn HandshakeFacts {
        &mut self.remembered
    }
}

struct SendingHalf {
    shared: Arc<Mutex<Shared>>,
    /// Nothing can follow, which was found when something was to.
    over: bool,
}

impl SendingHalf {
    fn run<R>(
        &mut self,
        run: impl FnOnce(&mut Sender, &mut dyn KeySchedule) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let mut shared = lock(&self.shared);
        let Shared { sender, schedule } = &mut *shared;
        let result = run(sender, &mut **schedule);
        self.over = result.is_err() && sender.is_over();
        result
    }
}

impl Sending for SendingHalf {
    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.run(|sender, schedule| sender.write(plain, block, schedule, out))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        self.run(|sender, schedule| sender.update_keys(schedule, out))
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.run(|sender, _| {
            sender.flush(out);
            sender.close(out);
            Ok(())
        })
    }

    fn rest(&mut self) {
        lock(&self.shared).sender.rest();
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        lock(&self.shared).sender.flush(out);
    }

    fn is_over(&self) -> bool {
        self.over
    }
}
