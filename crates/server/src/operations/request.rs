//! A request as it is kept, so that another replica can go on with it: Secrets in the server's own namespace, where no
//! user can put another one in its place.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::OnceLock;

use api::Problem;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::access::Grant;
use crate::app::App;
use crate::caller::Caller;
use crate::ctx::{Ctx, Resumed};
use crate::limits::Who;

/// What a body may take unpacked.
const MAX_BODY: u64 = 64 << 20;
/// The headers that say what is to be done.
const HEADERS: [&str; 3] = ["content-type", "if-match", "if-none-match"];

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    route: String,
    path: BTreeMap<String, String>,
    /// The path and query as they were sent.
    uri: String,
    headers: BTreeMap<String, String>,
    /// The digest of the chart that was fetched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chart: Option<String>,
    /// Kept beside the rest, packed.
    #[serde(skip)]
    body: Bytes,
}

impl Request {
    pub(crate) fn of(ctx: &Ctx) -> Self {
        let header = |name: &str| Some((name.to_owned(), ctx.header(name)?.to_owned()));
        Self {
            route: ctx.route.id.to_owned(),
            path: ctx.path.clone(),
            uri: ctx.uri.clone(),
            headers: HEADERS.into_iter().filter_map(header).collect(),
            chart: ctx.pinned.get().cloned(),
            body: ctx.body.clone(),
        }
    }

    /// Makes the request anew; `None` when this version of the server does not know it.
    pub(crate) fn ctx(self, app: App, caller: Caller, resumed: Resumed) -> Option<Ctx> {
        let route = api::route(&self.route)?;
        let query = self.uri.split_once('?').map_or("", |(_, query)| query);
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        Some(Ctx {
            app,
            caller,
            grant: Grant::Caller,
            who: Who::Nobody,
            route,
            query: api::Parameters::parse(route, query).ok()?,
            path: self.path,
            uri: self.uri,
            headers,
            body: self.body,
            pinned: self.chart.map(OnceLock::from).unwrap_or_default(),
            resumed: Some(resumed),
        })
    }

    /// What of it is kept as a note, and its body, packed.
    pub(crate) fn packed(&self) -> Result<(String, Vec<u8>), Box<Problem>> {
        let head = serde_json::to_string(self).map_err(crate::reply::internal)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.body).map_err(crate::reply::internal)?;
        Ok((head, gzip.finish().map_err(crate::reply::internal)?))
    }

    /// Reads what was kept; `None` when it is no request that we can read.
    pub(crate) fn read(head: &str, packed: &[u8]) -> Option<Self> {
        let request: Self = serde_json::from_str(head).ok()?;
        let mut body = Vec::new();
        GzDecoder::new(packed).take(MAX_BODY).read_to_end(&mut body).ok()?;
        Some(Self { body: body.into(), ..request })
    }
}

/// The name that an operation's request is kept under.
pub(crate) fn name(id: &str) -> String {
    format!("whipstaff.request.{id}")
}
