//! Pages of lists: `limit` and an opaque `continue`.

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

/// Sorts items, and takes the page that the query asks for.
///
/// `scope` says which list it is; a token of another list, or of other filters, is refused.
pub(crate) fn page<T>(
    items: impl IntoIterator<Item = T>,
    place: impl Fn(&T) -> Place,
    descending: bool,
    query: &Parameters,
    scope: &str,
) -> Result<(Vec<T>, Option<String>), Box<Problem>> {
    let limit = query.integer("limit").unwrap_or(DEFAULT_LIMIT) as usize;
    let of = hex::encode(Sha256::digest(scope).get(..6).unwrap_or_default());
    let after = match query.get("continue") {
        None => None,
        Some(text) => Some(read(text).filter(|t| t.of == of).ok_or_else(wrong)?.after),
    };
    let order = |a: &Place, b: &Place| {
        let by = if descending { b.by.cmp(&a.by) } else { a.by.cmp(&b.by) };
        by.then_with(|| a.id.cmp(&b.id))
    };
    let mut placed: Vec<(Place, T)> = items
        .into_iter()
        .map(|item| (place(&item), item))
        .filter(|(p, _)| after.as_ref().is_none_or(|after| order(p, after).is_gt()))
        .collect();
    placed.sort_by(|(a, _), (b, _)| order(a, b));
    let more = placed.len() > limit;
    placed.truncate(limit);
    let next = match placed.last() {
        Some((last, _)) if more => write(&Token { of, after: last.clone() }),
        _ => None,
    };
    Ok((placed.into_iter().map(|(_, item)| item).collect(), next))
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
