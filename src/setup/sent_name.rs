//! The name that a client sends by SNI, kept once for all connections to one server.

use std::sync::{Arc, Mutex, PoisonError};

use crate::line::Line;

/// What a client of this context sent last. Most contexts are for one server, or connect to one again and again.
#[derive(Default)]
pub(crate) struct LastName(Line<Mutex<Option<Arc<Box<str>>>>>);

impl LastName {
    /// `name`, as the last connection has it if it is the same.
    pub(crate) fn share(&self, name: &str) -> Arc<Box<str>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(known) if ***known == *name => Arc::clone(known),
            _ => Arc::clone(last.insert(Arc::new(name.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_to_one_server_share_its_name() {
        let names = LastName::default();
        let first = names.share("one.example");
        assert!(Arc::ptr_eq(&first, &names.share("one.example")));
        assert_eq!(&**names.share("two.example"), "two.example");
        assert_eq!(&**names.share("one.example"), "one.example");
        assert_eq!(&**first, "one.example");
    }
}
