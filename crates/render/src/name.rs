//! Release names that are templates.

use std::sync::Arc;

use gotext::{Arena, Functions, Options, Runtime, Set, Value};
use jiff::Timestamp;

use crate::error::RenderError;
use crate::functions;
use crate::golang::time::{Time, Zone, utc};
use crate::host::Host;
use crate::render::on_big_stack;

/// Helm's functions that Sprig does not have.
const NOT_SPRIG: &[&str] = &[
    "include",
    "tpl",
    "required",
    "lookup",
    "toYaml",
    "mustToYaml",
    "toYamlPretty",
    "fromYaml",
    "fromYamlArray",
    "fromJsonArray",
    "toToml",
    "mustToToml",
    "fromToml",
    "mustToDuration",
    "durationSeconds",
    "durationMilliseconds",
    "durationMicroseconds",
    "durationNanoseconds",
    "durationMinutes",
    "durationHours",
    "durationDays",
    "durationWeeks",
    "durationRoundTo",
    "durationTruncateTo",
];

/// Makes a release's name of a template that has Sprig's functions and no values, those of the environment left out
/// (as Helm 4.3: `pkg/action/install.go` `TemplateName`).
///
/// # Errors
/// Go's text when the template cannot be parsed or executed.
pub fn template_name(template: &str, now: Timestamp, seed: Option<[u8; 32]>) -> Result<String, RenderError> {
    let failed = |e: gotext::Error| RenderError::Template { message: e.to_string(), position: None, said: None };
    on_big_stack(|| {
        let table = functions::all().iter().copied().filter(|f| !NOT_SPRIG.contains(&f.name));
        let mut set = Set::new("name-template", Arc::new(Functions::new(table)));
        set.parse("name-template", template).map_err(failed)?;
        let now = Time { seconds: now.as_second(), nanos: 0, zone: Zone::Utc, clock: true };
        let mut host = Host::new(now, utc(), seed);
        let (arena, mut out) = (Arena::new(), Vec::new());
        Runtime::new(&arena, &set, &Options::default())
            .execute_to(&mut host, b"name-template", Value::Nil, &mut out)
            .map_err(failed)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    })?
}
