//! What to send so that an object becomes what is wanted, without the server's own apply: the patch of Helm's client-side
//! apply, as Helm 4.3: `pkg/kube/client.go createPatch`.

mod json;
mod strategic;
mod types;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::types::Type;
use crate::error::Error;
use crate::object::Object;

/// From where a merge starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Baseline {
    /// What earlier manifests said, of all revisions that may have left something: what they have and the object has not
    /// is removed.
    Manifests(Vec<Value>),
    /// The object itself: nothing is removed. So objects are taken over.
    #[default]
    Itself,
    /// What is there: everything else is removed.
    Live,
}

/// A patch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Patch {
    Strategic(Value),
    Json(Value),
}

/// The patch that makes of what is there what is wanted; `None` when nothing has to be sent.
pub(crate) fn patch(object: &Object, live: &Value, baseline: &Baseline) -> Result<Option<Patch>, Error> {
    let (Some(wanted), Some(there)) = (object.value().as_object(), live.as_object()) else { return Ok(None) };
    let originals: Vec<&Map<String, Value>> = match baseline {
        Baseline::Manifests(manifests) => manifests.iter().filter_map(Value::as_object).collect(),
        Baseline::Itself => vec![wanted],
        Baseline::Live => vec![there],
    };
    let full = |patch: Map<String, Value>| Some(Value::Object(patch)).filter(is_full);
    Ok(match (Type::of(&object.id().gvk), baseline) {
        (Some(ty), _) => {
            let made = strategic::maps(&originals, wanted, there, ty, false);
            let made = made.map_err(|error| Error::Unmergeable {
                object: Box::new(object.id().clone()),
                fault: format!("map: {} does not contain declared merge key: {}", error.item, error.key),
            })?;
            full(made).map(Patch::Strategic)
        }
        // Helm does this only with `--take-ownership`, and else leaves as they are what it takes over.
        (None, Baseline::Itself) => full(json::three_way(&originals, wanted, there)).map(Patch::Json),
        (None, _) => full(json::two_way(&originals, wanted)).map(Patch::Json),
    })
}

fn is_full(patch: &Value) -> bool {
    patch.as_object().is_some_and(|map| !map.is_empty())
}
