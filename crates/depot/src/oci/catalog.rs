//! What a registry says that it holds, where it says so (OCI distribution: `_catalog`, which most registries do not have).

use http::{Method, StatusCode};

use super::Registry;
use super::find::next;
use super::session::{Ask, Session};
use crate::error::Error;

/// The largest page of the list.
const LARGEST_PAGE: u64 = 4 << 20;
/// How many pages are read, and how many names.
const PAGES: usize = 1_000;
const NAMES: usize = 100_000;

impl Registry {
    /// Lists the repositories that a registry holds.
    ///
    /// # Errors
    /// When it cannot be reached, or does not say what it holds.
    pub fn catalog(&self, host: &str) -> Result<Vec<String>, Error> {
        let mut session = Session::open(self, host)?;
        let mut found: Vec<String> = Vec::new();
        let mut at = session.place("/v2/_catalog");
        for _ in 0..PAGES {
            let answer = session.ask(&Method::GET, &at, &Ask { scope: "registry:catalog:*", ..Ask::default() })?;
            if answer.status != StatusCode::OK {
                return Err(answer.refused());
            }
            let next = answer.header("link").map(|link| next(&answer.at, link)).transpose()?;
            found.extend(page(&answer.read(LARGEST_PAGE)?, host)?);
            if found.len() > NAMES {
                return Err(Error::text(format!(
                    "`{host}` holds more than {NAMES} repositories, which are too many to list"
                )));
            }
            match next {
                Some(next) => at = next,
                None => return Ok(found),
            }
        }
        Err(Error::text(format!("the list of what `{host}` holds has more than {PAGES} pages")))
    }
}

fn page(bytes: &[u8], host: &str) -> Result<Vec<String>, Error> {
    #[derive(serde::Deserialize)]
    struct Page {
        #[serde(default)]
        repositories: Option<Vec<String>>,
    }
    let page: Page = serde_json::from_slice(bytes)
        .map_err(|error| Error::text(format!("the list of what `{host}` holds cannot be read: {error}")))?;
    Ok(page.repositories.unwrap_or_default())
}
