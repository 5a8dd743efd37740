//! YAML as `sigs.k8s.io/yaml` (through JSON, go-yaml v2) and go-yaml v3 have it.

mod analysis;
mod base64;
mod chars;
mod compose;
mod decode;
mod documents;
mod event;
mod exact;
mod go_value;
mod input;
mod limits;
mod parser;
mod quick;
mod read;
mod resolve;
mod scalar;
mod scan_marks;
mod scan_scalars;
mod scanner;
mod through_json;
mod timestamp;
mod token;
mod writer;

pub use documents::{load_values, merge_maps, split_documents};
pub use read::{from_yaml, from_yaml_keep_ints, from_yaml_map, from_yaml_seq, from_yaml_some, from_yaml_strict};
pub use through_json::to_yaml;
pub use writer::YamlWriter;

use crate::emit::Emit;

/// Writes as go-yaml v3 with an indent of two, as Helm's `toYamlPretty`; ends with a line break.
///
/// There is no way through JSON: floats print as `1e+06`, and strings that are no UTF-8 as `!!binary`.
pub fn to_yaml_pretty<E: Emit + ?Sized>(value: &E) -> String {
    let mut writer = YamlWriter::v3();
    value.emit(&mut writer);
    writer.finish()
}

/// The text of a float that is a key.
fn float_key(f: f64) -> String {
    let text = crate::float::format_float_g32(f);
    match text.as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        _ => text,
    }
}
