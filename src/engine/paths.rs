//! The ways from a certificate to trust anchors that names allow, the likeliest first.
//!
//! The verifier looks for a path itself, but what that may cost is bounded by 200 000 steps, each of which reads all
//! certificates that the peer sent: seconds. So it is given one path after the other, found here within bounds that
//! no peer notices who means well. What is right is the verifier's to say.

use std::collections::HashMap;

use pki_types::CertificateDer;

use super::anchors::Anchor;
use crate::parse::x509::Certificate;

/// Certificates looked at while paths are looked for, for one chain.
const MOST_LOOKS: usize = 20_000;

/// Paths shown to the verifier, for one chain.
const MOST_PATHS: usize = 50;

/// Intermediate CAs of a path: what the verifier takes.
const MOST_LINKS: usize = 6;

/// Of these, those of one name: a CA that changed its key and certified the new one with the old.
const MOST_OF_ONE_NAME: usize = 3;

/// One certificate that may be a part of a path, between the peer's own and an anchor.
pub(super) struct Link<'a> {
    pub der: &'a CertificateDer<'a>,
    pub read: Certificate<'a>,
    /// Whether its keyUsage lets it sign certificates.
    pub may_sign: bool,
    key_id: Option<&'a [u8]>,
    /// How many links come after it, at least, before an anchor; None if no way leads to one.
    distance: Option<usize>,
}

/// What became of a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A path that was accepted.
    Right,
    /// None, and there are no others.
    None,
    /// None so far, and to look for more would cost too much.
    TooMany,
}

/// All links, and the anchors that they lead to.
pub(super) struct Paths<'a> {
    links: Vec<Link<'a>>,
    by_subject: HashMap<&'a [u8], Vec<usize>>,
    anchors: &'a [Anchor],
    looks: usize,
    shown: usize,
}

impl<'a> Paths<'a> {
    pub(super) fn new(
        certificates: impl Iterator<Item = &'a CertificateDer<'a>>,
        anchors: &'a [Anchor],
    ) -> Self {
        let mut by_subject: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let mut links: Vec<Link<'_>> = Vec::new();
        for der in certificates {
            // What cannot be read is no part of a path. A root that was sent along leads nowhere.
            let Ok(read) = Certificate::read(der) else { continue };
            if read.is_self_issued() && anchors.iter().any(|anchor| is_anchor(&read, anchor)) {
                continue;
            }
            // A key usage that cannot be read allows nothing.
            let may_sign =
                read.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.signs_certificates));
            let same = by_subject.entry(read.subject).or_default();
            if same.iter().any(|&other: &usize| links[other].der == der) {
                continue;
            }
            same.push(links.len());
            links.push(Link { der, read, may_sign, key_id: read.subject_key_id(), distance: None });
        }
        let mut paths = Self { links, by_subject, anchors, looks: 0, shown: 0 };
        paths.measure();
        paths
    }

    /// Finds how far each link is from an anchor, from the anchors down.
    fn measure(&mut self) {
        let mut by_issuer: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (index, link) in self.links.iter().enumerate() {
            by_issuer.entry(link.read.issuer).or_default().push(index);
        }
        let mut names: Vec<&[u8]> = self.anchors.iter().map(Anchor::subject).collect();
        for distance in 0..MOST_LINKS {
            let reached: Vec<usize> =
                names.drain(..).filter_map(|name| by_issuer.remove(name)).flatten().collect();
            for index in reached {
                self.links[index].distance = Some(distance);
                names.push(self.links[index].read.subject);
            }
        }
    }

    /// Shows paths to `accept` until it accepts one: the links from the peer's own certificate on, the last of which,
    /// or the peer's own without any, was issued by the name of an anchor.
    pub(super) fn find(
        &mut self,
        own: &Certificate<'a>,
        accept: &mut dyn FnMut(&[&Link<'a>]) -> bool,
    ) -> Found {
        self.extend(own, &mut Vec::new(), accept)
    }

    fn extend(
        &mut self,
        head: &Certificate<'a>,
        path: &mut Vec<usize>,
        accept: &mut dyn FnMut(&[&Link<'a>]) -> bool,
    ) -> Found {
        if self.anchors.iter().any(|anchor| anchor.subject() == head.issuer) {
            if self.shown == MOST_PATHS {
                return Found::TooMany;
            }
            self.shown += 1;
            let links: Vec<_> = path.iter().map(|&index| &self.links[index]).collect();
            if accept(&links) {
                return Found::Right;
            }
        }
        let Some(issuers) = self.issuers(head, path) else { return Found::TooMany };
        for index in issuers {
            let next = self.links[index].read;
            path.push(index);
            let found = self.extend(&next, path, accept);
            path.pop();
            if found != Found::None {
                return found;
            }
        }
        Found::None
    }

    /// The links that may have issued `head`, the likeliest first; None if too many were looked at.
    fn issuers(&mut self, head: &Certificate<'a>, path: &[usize]) -> Option<Vec<usize>> {
        let Some(named) = self.by_subject.get(head.issuer) else { return Some(Vec::new()) };
        let of_this_name = path.iter().filter(|&&used| self.links[used].read.subject == head.issuer).count();
        if of_this_name == MOST_OF_ONE_NAME || path.len() == MOST_LINKS {
            return Some(Vec::new());
        }
        self.looks += named.len();
        if self.looks > MOST_LOOKS {
            return None;
        }
        let key_id = head.authority_key_id();
        let mut issuers: Vec<_> = named
            .iter()
            .filter_map(|&index| {
                let link = &self.links[index];
                let is_near = path.len() + link.distance? < MOST_LINKS;
                // A key that is in the path already leads nowhere new (RFC 4158, 5.2).
                let is_new = !path.iter().any(|&used| {
                    let used = &self.links[used].read;
                    used.subject == link.read.subject && used.key == link.read.key
                });
                let other_key = match (key_id, link.key_id) {
                    (Some(wanted), Some(own)) => wanted != own,
                    _ => false,
                };
                (is_near && is_new).then_some(((!link.may_sign, other_key, link.distance), index))
            })
            .collect();
        issuers.sort_by_key(|&(order, _)| order);
        Some(issuers.into_iter().map(|(_, index)| index).collect())
    }
}

fn is_anchor(certificate: &Certificate<'_>, anchor: &Anchor) -> bool {
    certificate.subject == anchor.subject() && certificate.key.ends_with(anchor.key())
}
