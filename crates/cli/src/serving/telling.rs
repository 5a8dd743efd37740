//! Logs and traces.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::Effective;
use crate::fail::{Outcome, fail};

/// What is told of the work, and where to.
#[derive(Debug)]
pub(crate) struct Telling {
    filter: String,
    json: bool,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "there are no traces"))]
    endpoint: Option<String>,
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "there are no traces"))]
    instance: Option<String>,
}

impl Telling {
    /// Reads the settings.
    pub(crate) fn read(settings: &Effective) -> Outcome<Self> {
        let filter = settings.text("log").to_owned();
        if let Err(error) = EnvFilter::try_new(&filter) {
            return Err(settings.wrong("log", &error));
        }
        let json = match settings.text("log-format") {
            "text" => false,
            "json" => true,
            _ => return Err(settings.wrong("log-format", &"one of text, json")),
        };
        let endpoint = settings.some("otlp-endpoint").map(str::to_owned);
        if let Some(endpoint) = &endpoint {
            let uri = endpoint.parse::<http::Uri>().ok();
            let is_good = |uri: &http::Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
            if !uri.as_ref().is_some_and(is_good) {
                return Err(settings.wrong("otlp-endpoint", &"an address such as http://127.0.0.1:4318"));
            }
            if cfg!(not(feature = "otlp")) {
                fail!("{}: this program was built without the feature `otlp`", settings.called("otlp-endpoint"));
            }
        }
        Ok(Self { filter, json, endpoint, instance: settings.some("instance").map(str::to_owned) })
    }
}

/// What lasts as long as the server does.
#[derive(Default)]
pub(crate) struct Begun {
    #[cfg(feature = "otlp")]
    traces: Option<super::traces::Traces>,
}

/// Begins to tell.
pub(crate) fn begin(telling: &Telling) -> Outcome<Begun> {
    // What is logged does not decide what is traced, and the other way round.
    let filter = EnvFilter::try_new(&telling.filter).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match telling.json {
        // The ids of the request and of the operation are in `spans`.
        true => lines.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed(),
        false => lines.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed(),
    };
    #[allow(unused_mut, reason = "there is nothing more without traces")]
    let (mut layers, mut begun) = (vec![lines], Begun::default());
    #[cfg(feature = "otlp")]
    if let Some(endpoint) = &telling.endpoint {
        let (traces, layer) = super::traces::begin(endpoint, telling.instance.as_deref())?;
        layers.push(layer);
        begun.traces = Some(traces);
    }
    tracing_subscriber::registry().with(layers).init();
    Ok(begun)
}

impl Begun {
    /// What the server does with the span of a request as it begins.
    pub(crate) fn traced(&self) -> Option<server::Traced> {
        #[cfg(feature = "otlp")]
        return self.traces.as_ref().map(|_| super::traces::traced());
        #[cfg(not(feature = "otlp"))]
        None
    }

    /// Sends what was not sent yet.
    pub(crate) fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.end();
        }
    }
}
