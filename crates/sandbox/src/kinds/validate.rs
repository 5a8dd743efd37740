//! Stub to be replaced below.
use serde_json::Value;

use crate::resources::Resource;
use crate::status::FieldError;

pub(crate) fn validate(_resource: &Resource, _object: &Value, _errors: &mut Vec<FieldError>) {}
