//! Release names that are templates.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gotext::{Arena, Functions, Limits, Options, Runtime, Set, Value};
use jiff::Timestamp;

use crate::error::{RenderError, exec_error};
use crate::functions;
use crate::golang::time::{Time, Zone, utc};
use crate::host::Host;
use crate::render::on_big_stack;

/// What the template is called.
const NAME: &str = "name-template";

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
    template_name_within(template, now, seed, &Limits::default(), None)
}

/// Does the same within budgets, until `interrupt` turns true.
///
/// # Errors
/// As [`template_name`], and when a budget is used up.
pub fn template_name_within(
    template: &str,
    now: Timestamp,
    seed: Option<[u8; 32]>,
    limits: &Limits,
    interrupt: Option<Arc<AtomicBool>>,
) -> Result<String, RenderError> {
    let failed = |error: gotext::Error| match error.limit() {
        Some(_) => exec_error(NAME, &error),
        None => RenderError::Template { message: error.to_string(), position: None, said: None },
    };
    on_big_stack(|| {
        let table = functions::all().iter().copied().filter(|f| !NOT_SPRIG.contains(&f.name));
        let mut set = Set::new(NAME, Arc::new(Functions::new(table)));
        set.parse(NAME, template).map_err(failed)?;
        let now = Time { seconds: now.as_second(), nanos: 0, zone: Zone::Utc, clock: true };
        let mut host = Host::new(now, utc(), seed);
        let (arena, mut out) = (Arena::new(), Vec::new());
        let options = Options { limits: limits.clone(), interrupt, ..Options::default() };
        Runtime::new(&arena, &set, &options)
            .execute_to(&mut host, NAME.as_bytes(), Value::Nil, &mut out)
            .map_err(failed)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    })?
}
