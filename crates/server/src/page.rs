//! Pages of lists: `limit` and an opaque `continue`.

use std::cmp::Ordering;

use api::{InputError, Parameters, Problem, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const DEFAULT_LIMIT: u32 = 256;

/// Where an item is in the order of its list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    /// What the list is sorted by.
    pub(crate) by: String,
    /// What makes it unique.
    pub(crate) id: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Token {
    /// The list, with its filters and order.
    of: String,
    after: Place,
}

/// Which part of a list is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    of: String,
    after: Option<Place>,
    descending: bool,
    /// How many items there may be.
    pub(crate) limit: usize,
}

impl Window {
    /// Reads which page the query asks for.
    ///
    /// `scope` says which list it is; a token of another list, or of other filters, is refused.
    pub(crate) fn read(query: &Parameters, scope: &str, descending: bool) -> Result<Self, Box<Problem>> {
        let limit = query.integer("limit").unwrap_or(DEFAULT_LIMIT) as usize;
        let of = hex::encode(Sha256::digest(scope).get(..6).unwrap_or_default());
        let after = match query.get("continue") {
            None => None,
            Some(text) => Some(read(text).filter(|t| t.of == of).ok_or_else(wrong)?.after),
        };
        Ok(Self { of, after, descending, limit })
    }

    /// Whether it goes the other way round.
    pub(crate) fn is_descending(&self) -> bool {
        self.descending
    }

    /// Compares two places of the list.
    pub(crate) fn order(&self, a: &Place, b: &Place) -> Ordering {
        let by = if self.descending { b.by.cmp(&a.by) } else { a.by.cmp(&b.by) };
        by.then_with(|| a.id.cmp(&b.id))
    }

    /// Tells whether a place was on a page before.
    pub(crate) fn is_past(&self, place: &Place) -> bool {
        self.after.as_ref().is_some_and(|after| self.order(place, after).is_le())
    }

    /// Takes the items of this page in their order, and one more if there is one, which says that another page follows.
    pub(crate) fn take<T>(&self, items: impl IntoIterator<Item = (Place, T)>) -> Vec<(Place, T)> {
        let mut taken: Vec<(Place, T)> = items.into_iter().filter(|(place, _)| !self.is_past(place)).collect();
        let order = |(a, _): &(Place, T), (b, _): &(Place, T)| self.order(a, b);
        // Only the page itself is worth sorting.
        if taken.len() > self.limit + 1 {
            taken.select_nth_unstable_by(self.limit, order);
            taken.truncate(self.limit + 1);
        }
        taken.sort_unstable_by(order);
        taken
    }

    /// Ends a page of what [`Window::take`] took: its items, and where the next one begins.
    pub(crate) fn close<T>(self, mut taken: Vec<(Place, T)>) -> (Vec<T>, Option<String>) {
        let more = taken.len() > self.limit;
        taken.truncate(self.limit);
        let next = match taken.last() {
            Some((last, _)) if more => write(&Token { of: self.of, after: last.clone() }),
            _ => None,
        };
        (taken.into_iter().map(|(_, item)| item).collect(), next)
    }

    /// Takes the items of this page in their order, and tells where the next one begins.
    pub(crate) fn close_of<T>(self, items: impl IntoIterator<Item = (Place, T)>) -> (Vec<T>, Option<String>) {
        let taken = self.take(items);
        self.close(taken)
    }
}

/// Sorts items, and takes the page that the query asks for; see [`Window::read`].
pub(crate) fn page<T>(
    items: impl IntoIterator<Item = T>,
    place: impl Fn(&T) -> Place,
    descending: bool,
    query: &Parameters,
    scope: &str,
) -> Result<(Vec<T>, Option<String>), Box<Problem>> {
    let window = Window::read(query, scope, descending)?;
    Ok(window.close_of(items.into_iter().map(|item| (place(&item), item))))
}

fn read(text: &str) -> Option<Token> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn write(token: &Token) -> Option<String> {
    Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(token).ok()?))
}

fn wrong() -> Box<Problem> {
    let text = "not the `continue` of this list with these filters and this order; begin again without it";
    Box::new(Problem::of_errors(Reason::InvalidParameter, vec![InputError::parameter("continue", text)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Parameters {
        Parameters::parse(api::route("release_list").unwrap(), text).unwrap()
    }

    #[test]
    fn pages_follow_one_another_in_both_directions() {
        let place = |n: &u32| Place { by: (n % 3).to_string(), id: vec![format!("{n:03}")] };
        for descending in [false, true] {
            let all = page(0..10_u32, place, descending, &query(""), "s").unwrap().0;
            let (mut seen, mut next) = (Vec::new(), String::new());
            loop {
                let text = if next.is_empty() { "limit=3".to_owned() } else { format!("limit=3&continue={next}") };
                let (items, more) = page(0..10_u32, place, descending, &query(&text), "s").unwrap();
                assert!(items.len() <= 3);
                seen.extend(items);
                match more {
                    Some(token) => next = token,
                    None => break,
                }
            }
            assert_eq!(seen, all);
            assert_eq!(seen.first(), Some(if descending { &2 } else { &0 }));
        }
    }

    #[test]
    fn a_token_is_of_one_list() {
        let place = |n: &u32| Place { by: String::new(), id: vec![n.to_string()] };
        let token = page(0..10_u32, place, false, &query("limit=3"), "one").unwrap().1.unwrap();
        let again = query(&format!("continue={token}"));
        assert!(page(0..10_u32, place, false, &again, "one").is_ok());
        assert_eq!(page(0..10_u32, place, false, &again, "two").unwrap_err().status, 400);
        assert_eq!(page(0..10_u32, place, false, &query("continue=%21"), "one").unwrap_err().status, 400);
    }
}
