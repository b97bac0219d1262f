//! The ways from a certificate to trust anchors that names allow, the likeliest first.
//!
//! The verifier looks for a path itself, but what that may cost is bounded by 200 000 steps, each of which reads all
//! certificates that the peer sent: seconds. So it is given one path after the other, found here within bounds that
//! no peer notices who means well. What is right is the verifier's to say.
//!
//! A certificate is read once, before the search. Names and keys are numbers in it, so that a step costs the same
//! however long they are.

use std::collections::{HashMap, HashSet};

use pki_types::CertificateDer;

use super::anchors::Anchor;
use super::keys::is_weak;
use crate::parse::x509::{Amount, Certificate};

/// Certificates looked at, as possible issuers, while paths are looked for, for one chain.
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
    pub has_weak_key: bool,
    pub names: Amount,
    pub constraints: Amount,
    at: Node,
    key_id: Option<Number>,
    /// How many links come after it, at least, before an anchor; None if no way leads to one.
    distance: Option<usize>,
}

/// A path that names allow.
pub(super) struct Way<'p, 'a> {
    /// From the peer's own certificate on.
    pub links: Vec<&'p Link<'a>>,
    /// Of the last of these, or of the peer's own without any: an anchor's name.
    pub issuer: &'a [u8],
    /// How many certificates a verifier comes to, at most, that looks for its own way through these.
    pub visits: usize,
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

/// Stands for bytes: names, keys, or identifiers of keys.
type Number = usize;

/// Gives equal bytes one number.
#[derive(Default)]
struct Numbers<'a>(HashMap<&'a [u8], Number>);

impl<'a> Numbers<'a> {
    fn of(&mut self, bytes: &'a [u8]) -> Number {
        let next = self.0.len();
        *self.0.entry(bytes).or_insert(next)
    }
}

/// A certificate in the graph of names and keys.
#[derive(Debug, Clone, Copy)]
struct Node {
    subject: Number,
    issuer: Number,
    key: Number,
    issuer_key_id: Option<Number>,
}

impl Node {
    fn of<'a>(read: &Certificate<'a>, numbers: &mut Numbers<'a>) -> Self {
        Self {
            subject: numbers.of(read.subject),
            issuer: numbers.of(read.issuer),
            key: numbers.of(read.key),
            issuer_key_id: read.authority_key_id().map(|id| numbers.of(id)),
        }
    }

    /// Whether both are of one name and key: the second one leads nowhere new (RFC 4158, 5.2).
    fn is_same_as(self, other: Self) -> bool {
        (self.subject, self.key) == (other.subject, other.key)
    }
}

/// All links, and the anchors that they lead to.
pub(super) struct Paths<'a> {
    own: Node,
    own_issuer: &'a [u8],
    links: Vec<Link<'a>>,
    /// Indices of links, by their subjects.
    by_subject: HashMap<Number, Vec<usize>>,
    /// Names of anchors.
    ends: HashSet<Number>,
    looks: usize,
    shown: usize,
    is_cut: bool,
}

impl<'a> Paths<'a> {
    /// All that may lead from this certificate to one of the anchors.
    pub(super) fn new(
        own: &Certificate<'a>,
        certificates: impl Iterator<Item = &'a CertificateDer<'a>>,
        anchors: &'a [Anchor],
    ) -> Self {
        let mut numbers = Numbers::default();
        let mut by_subject: HashMap<Number, Vec<usize>> = HashMap::new();
        let mut links: Vec<Link<'_>> = Vec::new();
        let mut seen = HashSet::new();
        for der in certificates {
            // What cannot be read is no part of a path. A root that was sent along leads nowhere.
            let Ok(read) = Certificate::read(der) else { continue };
            if read.is_self_issued() && anchors.iter().any(|anchor| is_anchor(&read, anchor)) {
                continue;
            }
            if !seen.insert(der) {
                continue;
            }
            let at = Node::of(&read, &mut numbers);
            by_subject.entry(at.subject).or_default().push(links.len());
            links.push(Link {
                der,
                read,
                // A key usage that cannot be read allows nothing.
                may_sign: read
                    .key_usage()
                    .is_ok_and(|usage| usage.is_none_or(|usage| usage.signs_certificates)),
                has_weak_key: is_weak(read.key),
                names: read.names(),
                constraints: read.constraints(),
                at,
                key_id: read.subject_key_id().map(|id| numbers.of(id)),
                distance: None,
            });
        }
        let own_issuer = own.issuer;
        let own = Node::of(own, &mut numbers);
        let ends = anchors.iter().map(|anchor| numbers.of(anchor.subject())).collect();
        let mut paths = Self { own, own_issuer, links, by_subject, ends, looks: 0, shown: 0, is_cut: false };
        paths.measure();
        paths
    }

    /// Whether a path went on, to an anchor as it seemed, behind the longest that are tried.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Finds how far each link is from an anchor, from the anchors down.
    fn measure(&mut self) {
        let mut by_issuer: HashMap<Number, Vec<usize>> = HashMap::new();
        for (index, link) in self.links.iter().enumerate() {
            by_issuer.entry(link.at.issuer).or_default().push(index);
        }
        let mut names: Vec<Number> = self.ends.iter().copied().collect();
        for distance in 0..self.links.len() {
            let reached: Vec<usize> =
                names.drain(..).filter_map(|name| by_issuer.remove(&name)).flatten().collect();
            for index in reached {
                self.links[index].distance = Some(distance);
                names.push(self.links[index].at.subject);
            }
        }
    }

    /// Shows paths to `accept` until it accepts one.
    pub(super) fn find(&mut self, accept: &mut dyn FnMut(&Way<'_, 'a>) -> bool) -> Found {
        self.extend(self.own, &mut Vec::new(), accept)
    }

    fn extend(
        &mut self,
        head: Node,
        path: &mut Vec<usize>,
        accept: &mut dyn FnMut(&Way<'_, 'a>) -> bool,
    ) -> Found {
        if self.ends.contains(&head.issuer) {
            if self.shown == MOST_PATHS {
                return Found::TooMany;
            }
            self.shown += 1;
            if accept(&self.way(path)) {
                return Found::Right;
            }
        }
        let Some(issuers) = self.issuers(head, path) else { return Found::TooMany };
        for index in issuers {
            path.push(index);
            let found = self.extend(self.links[index].at, path, accept);
            path.pop();
            if found != Found::None {
                return found;
            }
        }
        Found::None
    }

    fn way(&self, path: &[usize]) -> Way<'_, 'a> {
        let links: Vec<_> = path.iter().map(|&index| &self.links[index]).collect();
        let issuer = links.last().map_or(self.own_issuer, |last| last.read.issuer);
        let visits = visits(&mut vec![self.own], &links);
        Way { links, issuer, visits }
    }

    /// The links that may have issued `head`, the likeliest first; None if too many were looked at.
    fn issuers(&mut self, head: Node, path: &[usize]) -> Option<Vec<usize>> {
        let Some(named) = self.by_subject.get(&head.issuer) else { return Some(Vec::new()) };
        self.looks += named.len();
        if self.looks > MOST_LOOKS {
            return None;
        }
        let of_this_name = path.iter().filter(|&&used| self.links[used].at.subject == head.issuer).count();
        let mut issuers = Vec::new();
        for &index in named {
            let link = &self.links[index];
            let Some(distance) = link.distance else { continue };
            if path.iter().any(|&used| self.links[used].at.is_same_as(link.at)) {
                continue;
            }
            if of_this_name == MOST_OF_ONE_NAME || path.len() + distance >= MOST_LINKS {
                self.is_cut = true;
                continue;
            }
            let other_key = match (head.issuer_key_id, link.key_id) {
                (Some(wanted), Some(own)) => wanted != own,
                _ => false,
            };
            issuers.push(((!link.may_sign, other_key, distance), index));
        }
        issuers.sort_by_key(|&(order, _)| order);
        Some(issuers.into_iter().map(|(_, index)| index).collect())
    }
}

/// How many certificates are come to by all ways from the last of `path` through these links, itself included.
fn visits(path: &mut Vec<Node>, links: &[&Link<'_>]) -> usize {
    let Some(head) = path.last().copied() else { return 0 };
    let mut sum = 1;
    for link in links {
        if link.at.subject == head.issuer && !path.iter().any(|used| used.is_same_as(link.at)) {
            path.push(link.at);
            sum += visits(path, links);
            path.pop();
        }
    }
    sum
}

fn is_anchor(certificate: &Certificate<'_>, anchor: &Anchor) -> bool {
    certificate.subject == anchor.subject() && certificate.key.ends_with(anchor.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::anchors::TrustStore;
    use crate::parse::der::READ;
    use crate::parse::made::{Wish, ca, certificate, extension};

    fn root() -> TrustStore {
        let mut trust = TrustStore::default();
        let der = certificate(&Wish { subject: "root", extensions: &ca(), ..Wish::default() });
        trust.add(&CertificateDer::from(der), "the root").unwrap();
        trust
    }

    fn link(subject: &str, issuer: &str, serial: u8, more: &[u8]) -> CertificateDer<'static> {
        let extensions = [ca(), more.to_vec()].concat();
        let wish = Wish { subject, issuer, serial, extensions: &extensions, ..Wish::default() };
        certificate(&wish).into()
    }

    /// Searches to the end: what was found, how many paths were shown, and whether longer ones were not.
    fn search(issuer: &str, links: &[CertificateDer<'static>]) -> (Found, usize, bool) {
        let trust = root();
        let anchors = trust.anchors();
        let own = certificate(&Wish { issuer, ..Wish::default() });
        let own = Certificate::read(&own).unwrap();
        let mut paths = Paths::new(&own, links.iter(), &anchors);
        let mut shown = 0;
        let found = paths.find(&mut |_| {
            shown += 1;
            false
        });
        (found, shown, paths.is_cut())
    }

    /// A tree of 8000 ways, each of which ends at a certificate of 7000 extensions whose issuer is in the path already.
    #[test]
    fn a_certificate_is_read_as_often_as_it_was_sent_however_many_ways_lead_to_it() {
        let mut links = vec![link("c", "root", 1, &[]), link("c", "l1", 1, &[])];
        for (subject, issuer) in [("l1", "l2"), ("l2", "l3"), ("l3", "l4")] {
            links.extend((1..=20).map(|serial| link(subject, issuer, serial, &[])));
        }
        let heavy = extension(&[42], &[]).repeat(7000);
        links.push(link("l4", "c", 1, &heavy));
        let before = READ.get();
        let (found, shown, _) = search("c", &links);
        assert_eq!((found, shown), (Found::TooMany, 1));
        // Each of its extensions is three elements, and is gone through once for each of five questions.
        assert!(READ.get() - before < 7000 * 20, "{} elements were read", READ.get() - before);
    }

    #[test]
    fn a_path_of_six_links_is_shown_and_that_of_a_seventh_is_missed() {
        for (length, expected) in [(5, (1, false)), (6, (1, false)), (7, (0, true)), (9, (0, true))] {
            let name = |at: usize| if at == length { "root".into() } else { format!("link {at}") };
            let mut links: Vec<_> = (0..length).map(|at| link(&name(at), &name(at + 1), 1, &[])).collect();
            distinguish(&mut links);
            let (found, shown, is_cut) = search("link 0", &links);
            assert_eq!((found, (shown, is_cut)), (Found::None, expected), "{length}");
        }
    }

    #[test]
    fn so_many_paths_are_shown_and_no_more() {
        let most = u8::try_from(MOST_PATHS).unwrap();
        for (count, expected) in [(most, Found::None), (most + 1, Found::TooMany)] {
            let mut links: Vec<_> = (1..=count).map(|serial| link("same", "root", serial, &[])).collect();
            distinguish(&mut links);
            let (found, shown, _) = search("same", &links);
            assert_eq!((found, shown), (expected, MOST_PATHS));
        }
    }

    #[test]
    fn three_links_of_one_name_are_taken_and_a_fourth_is_missed() {
        for (length, expected) in [(2, false), (3, false), (4, true)] {
            let mut links: Vec<_> = (1..length).map(|serial| link("same", "same", serial, &[])).collect();
            links.push(link("same", "root", length, &[]));
            distinguish(&mut links);
            let (found, _, is_cut) = search("same", &links);
            assert_eq!((found, is_cut), (Found::None, expected), "{length}");
        }
    }

    /// Among links of one name a verifier tries them in every order, whatever order they are shown in.
    #[test]
    fn a_path_is_as_dear_as_all_orders_of_its_links() {
        for (names, expected) in [
            (&["a"][..], 2),
            (&["a", "b", "c", "d"], 5),
            // The peer's own, the first with the second behind it, the second alone.
            (&["a", "a"], 4),
            (&["a", "a", "a"], 10),
            // The last of the one name is come to in five ways, and each time the other name costs as much.
            (&["a", "a", "a", "b", "b", "b"], 10 + 5 * 9),
        ] {
            let mut links: Vec<_> = names
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    let issuer = names.get(at + 1).copied().unwrap_or("root");
                    link(name, issuer, u8::try_from(at).unwrap() + 1, &[])
                })
                .collect();
            distinguish(&mut links);
            let trust = root();
            let anchors = trust.anchors();
            let own = certificate(&Wish { issuer: names[0], ..Wish::default() });
            let own = Certificate::read(&own).unwrap();
            let mut most = 0;
            Paths::new(&own, links.iter(), &anchors).find(&mut |way| {
                if way.links.len() == names.len() {
                    most = most.max(way.visits);
                }
                false
            });
            assert_eq!(most, expected, "{names:?}");
        }
    }

    #[test]
    fn ways_that_lead_to_no_anchor_are_not_missed() {
        let mut links: Vec<_> =
            (0..9).map(|at| link(&format!("link {at}"), &format!("link {}", (at + 1) % 9), 1, &[])).collect();
        distinguish(&mut links);
        assert_eq!(search("link 0", &links), (Found::None, 0, false));
    }

    /// Gives each a key of its own.
    fn distinguish(links: &mut [CertificateDer<'static>]) {
        for (index, link) in links.iter_mut().enumerate() {
            let mut der = link.to_vec();
            let at = der.windows(64).position(|bytes| bytes == [1; 64]).unwrap();
            der[at] = u8::try_from(index).unwrap() + 2;
            *link = der.into();
        }
    }
}
