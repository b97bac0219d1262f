//! The sending half of an established connection.

use rustls::crypto::cipher::OutboundPlain;
use rustls::error::{ApiMisuse, Error};
use rustls::split::SendTraffic;

use super::explain::{explain, updated};
use super::padding::pad;
use crate::failure::Failure;
use crate::record::traffic::Sending;

/// Seals. rustls's part of it is gone once this side was closed, or a fatal alert was found to be the last
/// that it has sent.
pub(super) struct SendHalf(Option<SendTraffic>);

impl SendHalf {
    pub(super) fn new(traffic: SendTraffic) -> Self {
        Self(Some(traffic))
    }

    pub(super) fn into_traffic(self) -> Option<SendTraffic> {
        self.0
    }

    fn traffic(&mut self) -> Result<&mut SendTraffic, Failure> {
        self.0.as_mut().ok_or_else(|| Failure::unexpected("the sending half was closed"))
    }

    /// This side was open, so it is the receiving half's fatal alert that stands in the way.
    fn explain(&mut self, error: &Error) -> Failure {
        if matches!(error, Error::ApiMisuse(ApiMisuse::WriteAfterSendPathClosed)) {
            self.0 = None;
        }
        explain(error)
    }
}

impl Sending for SendHalf {
    fn write(&mut self, plain: &[&[u8]], block: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        let traffic = self.traffic()?;
        let result = pad(block, || traffic.write(OutboundPlain::new(plain), out));
        result.map_err(|error| self.explain(&error))
    }

    fn update_keys(&mut self, out: &mut Vec<u8>) -> Result<bool, Failure> {
        match self.traffic()?.refresh_traffic_keys(out) {
            // There are no keys any more: with a fatal alert they were retired.
            Err(Error::EncryptError) => Err(self.explain(&ApiMisuse::WriteAfterSendPathClosed.into())),
            result => updated(result),
        }
    }

    fn close_notify(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self.0.take() {
            Some(traffic) => traffic.close(out).map_err(|error| explain(&error)),
            None => Ok(()),
        }
    }

    /// After a fatal alert rustls says with an error, which tells nothing new, that this is the last.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(traffic) = &mut self.0 {
            let _ = traffic.write(OutboundPlain::new_empty(), out);
        }
    }

    fn is_over(&self) -> bool {
        self.0.is_none()
    }
}
