//! Searching a hub of charts (as Helm 4.3: `internal/monocular`, `pkg/cmd/search_hub.go`).

use std::io::Read;

use serde::Deserialize;

use crate::error::Error;
use crate::fetch::{Access, Ask, Fetcher};
use crate::{names, url};

/// The longest answer.
const LONGEST: u64 = 64 << 20;

/// A chart that a hub knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its page.
    pub url: String,
    /// Its newest version.
    pub version: String,
    /// The version of what it installs.
    pub app_version: String,
    /// What it says it is.
    pub description: String,
    /// Where its repository is.
    pub repository_url: String,
    /// What its repository is called.
    pub repository_name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    data: Vec<Data>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    id: String,
    artifact_hub: Option<Page>,
    attributes: Attributes,
    relationships: Relationships,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Page {
    package_url: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    description: String,
    repo: Repo,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repo {
    name: String,
    url: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Relationships {
    latest_chart_version: Latest,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Latest {
    data: Newest,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Newest {
    version: String,
    app_version: String,
}

/// Asks the hub at an address for charts that match a text.
///
/// # Errors
/// When the address is none. Why a hub does not answer comes as the cause of an error that Helm tells only when debugging.
pub fn search(endpoint: &str, text: &str, fetcher: &Fetcher) -> Result<Result<Vec<Listed>, Error>, Error> {
    let connect = |text: &str| {
        Error::text(format!("unable to create connection to {}: {text}", chart::text::quote(&url::redacted(endpoint))))
    };
    let address = url::parse(endpoint).map_err(|text| connect(&text))?;
    if address.host_name().is_empty() {
        return Err(connect("no hostname provided"));
    }
    let path = names::join(&[&address.plain_path(), "api/chartsvc/v1/charts/search"]);
    let mut address = address.with_path(&path);
    address.query = Some(format!("q={}", escaped(text)));
    Ok(ask(&address.text(), fetcher).map(|found| found.data.into_iter().map(|data| listed(endpoint, data)).collect()))
}

fn ask(address: &str, fetcher: &Fetcher) -> Result<Document, Error> {
    let answer = fetcher.get(address, &Access { url: address.to_owned(), ..Access::default() }, &Ask::default())?;
    let mut bytes = Vec::new();
    answer.body.take(LONGEST).read_to_end(&mut bytes).map_err(|error| crate::FetchError::body(&error))?;
    // As in Helm, an answer that makes no sense has no charts.
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn listed(endpoint: &str, data: Data) -> Listed {
    let page = data.artifact_hub.unwrap_or_default().package_url;
    let newest = data.relationships.latest_chart_version.data;
    Listed {
        url: if page.is_empty() { format!("{endpoint}/charts/{}", data.id) } else { page },
        version: newest.version,
        app_version: newest.app_version,
        description: data.attributes.description,
        repository_url: data.attributes.repo.url,
        repository_name: data.attributes.repo.name,
    }
}

/// A text in a query, as Go's `url.QueryEscape`.
pub(crate) fn escaped(text: &str) -> String {
    let one = |b: u8| match b {
        b' ' => "+".to_owned(),
        b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests;
