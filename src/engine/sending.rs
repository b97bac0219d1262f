//! The sending half of an established connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::crypto::cipher::OutboundPlain;
use rustls::error::{ApiMisuse, Error};
use rustls::split::SendTraffic;

use super::explain::{explain, updated};
use super::message_count::count_requests;
use super::padding::pad;
use crate::failure::Failure;
use crate::record::traffic::{OwnSending, Sending};

/// Seals. rustls's part of it is gone once this side was closed, or a fatal alert was found to be the last
/// that it has sent.
pub(super) struct SendHalf {
    traffic: Option<SendTraffic>,
    requests: Requests,
}

/// KeyUpdates that the sending half has asked for, and the receiving half has not heard of.
pub(super) type Requests = Arc<AtomicU32>;

impl SendHalf {
    pub(super) fn new(traffic: SendTraffic, requests: Requests) -> Self {
        Self { traffic: Some(traffic), requests }
    }

    pub(super) fn into_traffic(self) -> Option<SendTraffic> {
        self.traffic
    }

    /// Lets rustls write, and counts the KeyUpdates that it asks for.
    fn counting<R>(
        &mut self,
        write: impl FnOnce(&mut SendTraffic) -> Result<R, Error>,
    ) -> Result<Result<R, Error>, Failure> {
        let closed = || Failure::unexpected("the sending half was closed");
        let traffic = self.traffic.as_mut().ok_or_else(closed)?;
        let (result, requests) = count_requests(|| write(traffic));
        if requests > 0 {
            self.requests.fetch_add(requests, Ordering::Relaxed);
        }
        Ok(result)
    }

    /// This side was open, so it is the receiving half's fatal alert that stands in the way.
    fn explain(&mut self, error: &Error) -> Failure {
        if matches!(error, Error::ApiMisuse(ApiMisuse::WriteAfterSendPathClosed)) {
            self.traffic = None;
        }
        explain(error)
    }
}

impl Sending for SendHalf {
    fn own(&mut self) -> Option<&mut dyn OwnSending> {
        None
    }

    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        let result = self.counting(|traffic| pad(block, || traffic.write(OutboundPlain::new(plain), out)))?;
        result.map_err(|error| self.explain(&error))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        match self.counting(|traffic| traffic.refresh_traffic_keys(out))? {
            // There are no keys any more: with a fatal alert they were retired.
            Err(Error::EncryptError) => Err(self.explain(&ApiMisuse::WriteAfterSendPathClosed.into())),
            result => updated(result),
        }
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self.traffic.take() {
            Some(traffic) => traffic.close(out).map_err(|error| explain(&error)),
            None => Ok(()),
        }
    }

    /// After a fatal alert rustls says with an error, which tells nothing new, that this is the last.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(traffic) = &mut self.traffic {
            let _ = traffic.write(OutboundPlain::new_empty(), out);
        }
    }

    fn is_over(&self) -> bool {
        self.traffic.is_none()
    }
}
