//! What commands print of releases, in the format that is asked for (as Helm 4.3: `pkg/cli/output`).

use ::release::Time;
use serde::Serialize;

use crate::command::Call;
use crate::fail::{Fail, Outcome};
use crate::output::print;

/// Go's `time.ANSIC`.
pub(crate) const ANSIC: &str = "Mon Jan _2 15:04:05 2006";

/// Go's `time.RFC3339`.
pub(crate) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// How `Time.String` shows a time.
pub(crate) const LONG: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

/// A time as Go formats it.
pub(crate) fn time(at: Time, layout: &str) -> String {
    render::format_time(at.timestamp(), at.offset(), layout)
}

/// JSON as Go's encoder prints it, with a line break.
pub(crate) fn json<T: Serialize>(value: &T) -> Outcome<String> {
    let bytes = ::release::go_json(value).map_err(|error| Fail::new(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned() + "\n")
}

/// YAML as Helm prints it: through JSON, so keys are in order.
pub(crate) fn yaml<T: Serialize>(value: &T) -> Outcome<String> {
    Ok(goyaml::to_yaml(&goyaml::from_json_keep_ints(json(value)?)?)?)
}

/// Prints a value in the format that is asked for.
pub(crate) fn formatted<T: Serialize>(call: &Call, value: &T, table: impl FnOnce(&T) -> Outcome<String>) -> Outcome {
    let text = match call.flags.text("output") {
        "json" => json(value)?,
        "yaml" => yaml(value)?,
        _ => table(value)?,
    };
    print(&text)
}
