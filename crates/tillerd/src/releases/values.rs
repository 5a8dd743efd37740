//! Values of the revision before, as Helm 2.17: `pkg/tiller/release_server.go reuseValues`.

use chart::helm2::{coalesce_values, read_values};
use goyaml::{Map, Value};
use tiller::hapi::chart::Config;
use tiller::hapi::release::Release;
use tiller::hapi::services::tiller::UpdateReleaseRequest;

use super::Releases;
use crate::failure::Failure;

impl Releases {
    /// Fills in the values of an upgrade as it wants them: its own alone, its own over those of the revision before, or these when it
    /// brings none.
    pub(super) async fn reuse_values(
        &self,
        request: &mut UpdateReleaseRequest,
        current: &Release,
    ) -> Result<(), Failure> {
        if request.reset_values {
            return Ok(());
        }
        if request.reuse_values {
            // Values are other people's, and may be large.
            let (chart, config) = (current.chart.clone().unwrap_or_default(), current.config.clone());
            let own = request.values.as_ref().map(|values| values.raw.clone()).unwrap_or_default();
            let reused = self.engine.guard(move |_, _| Ok(reused(&chart, config, &own))).await?;
            let (defaults, values) = reused?;
            if let Some(chart) = &mut request.chart {
                chart.values = Some(Config { raw: defaults, ..Config::default() });
            }
            request.values = Some(Config { raw: values, ..Config::default() });
            return Ok(());
        }
        if is_empty(request.values.as_ref()) && !is_empty(current.config.as_ref()) {
            request.values.clone_from(&current.config);
        }
        Ok(())
    }
}

fn is_empty(config: Option<&Config>) -> bool {
    config.is_none_or(|config| matches!(config.raw.as_str(), "" | "{}\n"))
}

/// The defaults and the values of an upgrade that goes on with those of the revision before.
fn reused(chart: &tiller::hapi::chart::Chart, config: Option<Config>, own: &str) -> Result<(String, String), Failure> {
    let text = |error: chart::helm2::Error| Failure(error.0);
    let loaded = tiller::loaded(chart.clone()).map_err(|error| Failure::new(error.to_string()))?;
    let before = coalesce_values(&loaded, config.as_ref().map(|config| config.raw.as_str()));
    let before = before.map_err(|error| Failure(format!("failed to rebuild old values: {}", error.0)))?;
    let own = read_values(own).map_err(text)?;
    let mut values = match &config {
        Some(config) if !is_empty(Some(config)) => read_values(&config.raw).map_err(text)?,
        _ => Map::new(),
    };
    merge(&mut values, own);
    Ok((written(before.values)?, written(values)?))
}

/// Merges tables; what is no table on both sides is replaced.
fn merge(into: &mut Map, from: Map) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Map(below)), Value::Map(value)) => merge(below, value),
            (_, value) => _ = into.insert(key, value),
        }
    }
}

fn written(values: Map) -> Result<String, Failure> {
    goyaml::to_yaml(&Value::Map(values)).map_err(|error| Failure::new(error.to_string()))
}
