//! The call by which the engine asks the host in the middle of a step.

use rustls::error::Error;

use super::alert;
use super::question::{Reply, Request};
use super::resuming;
use crate::coroutine;

/// Asks the host, and waits for the answer. Called by the engine in the middle of a step that may ask.
pub(super) fn ask(request: Request) -> Result<Reply, Error> {
    let resuming = resuming::stop();
    let reply = coroutine::ask(request);
    resuming::go_on(resuming);
    match reply {
        Reply::Refuse(alert) => Err(alert::error_for(alert)),
        Reply::Gone => Err(Error::General("nobody is there to answer".into())),
        reply => Ok(reply),
    }
}
