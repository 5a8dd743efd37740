//! A request as it is kept, so that another replica can go on with it: a Secret in the server's own namespace, where no
//! user can put another one in its place.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use api::{Problem, Reason};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::listing::KIND;
use super::record::MAX_PACKED;
use crate::app::App;
use crate::caller::Caller;
use crate::ctx::Ctx;

/// What a body may take unpacked.
const MAX_BODY: u64 = 64 << 20;
const TYPE: &str = "whipstaff.dev/request.v1";
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
            body: ctx.body.clone(),
        }
    }

    /// Makes the request anew; `None` when this version of the server does not know it.
    pub(crate) fn ctx(self, app: App, caller: Caller, resumed: Option<u32>) -> Option<Ctx> {
        let route = api::route(&self.route)?;
        let query = self.uri.split_once('?').map_or("", |(_, query)| query);
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        Some(Ctx {
            app,
            caller,
            route,
            query: api::Parameters::parse(route, query).ok()?,
            path: self.path,
            uri: self.uri,
            headers,
            body: self.body,
            resumed,
        })
    }

    /// Makes the Secret that keeps it.
    pub(crate) fn secret(&self, id: &str) -> Result<Secret, Box<Problem>> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.body).map_err(crate::reply::internal)?;
        let packed = gzip.finish().map_err(crate::reply::internal)?;
        let head = serde_json::to_vec(self).map_err(crate::reply::internal)?;
        if packed.len() + head.len() > MAX_PACKED {
            let text = format!(
                "the request takes {} bytes packed, and a Secret that keeps it can hold {MAX_PACKED}; a release with such values could not be recorded either",
                packed.len()
            );
            return Err(Box::new(Problem::new(Reason::RecordTooLarge, text)));
        }
        Ok(Secret {
            metadata: ObjectMeta {
                name: Some(secret_name(id)),
                labels: Some([(KIND.to_owned(), "request".to_owned())].into()),
                ..ObjectMeta::default()
            },
            type_: Some(TYPE.to_owned()),
            data: Some([("request".to_owned(), ByteString(head)), ("body".to_owned(), ByteString(packed))].into()),
            ..Secret::default()
        })
    }

    /// Reads a Secret; `None` when it keeps no request that we can read.
    pub(crate) fn read(secret: &Secret) -> Option<Self> {
        let data = secret.data.as_ref()?;
        let request: Self = serde_json::from_slice(&data.get("request")?.0).ok()?;
        let mut body = Vec::new();
        GzDecoder::new(data.get("body")?.0.as_slice()).take(MAX_BODY).read_to_end(&mut body).ok()?;
        Some(Self { body: body.into(), ..request })
    }
}

/// The name of the Secret that keeps an operation's request.
pub(crate) fn secret_name(id: &str) -> String {
    format!("whipstaff.request.{id}")
}
