//! Helm 2's own functions (as Helm 2.17: `pkg/engine/engine.go`, `pkg/chartutil/files.go`).

use std::mem;

use gotext::GoType::{Any, String as Str};
use gotext::{Call, Error, ErrorKind, Function, GoType, Map, Value};

use super::super::engine::about;
use super::{VALUES, f, toml};
use crate::functions::args::{Out, any, bytes, fail, map, nil_pointer};
use crate::functions::helm::{TPL_DEPTH, error_map};
use crate::functions::host;
use crate::render::base_name;
use crate::values::{Emitted, tree_map, without_no_value};

const TREE: GoType = GoType::NamedMap(VALUES);

pub(super) const TABLE: &[Function] = &[
    f("tpl", "Executes a text as a template.", &[Str, TREE], None, tpl),
    f(
        "required",
        "Ends the render with a message, which is a format, when a value is missing or an empty text.",
        &[Str, Any],
        None,
        |c, a| match any(a, 1) {
            Value::Nil | Value::Str(b"") => {
                let message = gotext::fmt::sprintf(c.arena, bytes(a, 0), &[]);
                fail(String::from_utf8_lossy(&message))
            }
            value => Ok(value),
        },
    ),
    f("fail", "Ends the render with a message.", &[Str], None, |_, a| fail(String::from_utf8_lossy(bytes(a, 0)))),
    f("toYaml", "Writes a value as YAML, line break and all; nothing when it cannot be.", &[Any], None, |c, a| {
        Ok(c.arena.str(yaml(c, any(a, 0)).unwrap_or_default()))
    }),
    f("fromYaml", "Reads a YAML map; an error stands under `Error`.", &[Str], None, |c, a| {
        Ok(match goyaml::from_yaml_map(bytes(a, 0)) {
            Ok(map) => Value::Map(tree_map(c.arena, &map)),
            Err(error) => error_map(c, &chart::helm2::yaml_error(&error)),
        })
    }),
    f("toToml", "Writes a value as TOML, or the error text.", &[Any], None, |c, a| {
        let written = toml::encode(c.arena, any(a, 0)).map_err(Error::new)?;
        Ok(c.arena.str(written))
    }),
];

/// The methods of `chartutil.Values` (as Helm 2.17: `pkg/chartutil/values.go`); the first argument is the map.
pub(super) const VALUES_METHODS: &[Function] = &[
    f("AsMap", "Gives the values as a plain map.", &[Any], None, |c, a| {
        Ok(match any(a, 0) {
            Value::Map(map) if !map.is_empty() => Value::Map(c.arena.view(map, None)),
            _ => Value::Map(c.arena.map()),
        })
    }),
    f("YAML", "Writes the values as YAML.", &[Any], None, |c, a| {
        let written = yaml(c, any(a, 0))?;
        Ok(c.arena.str(written))
    }),
    f("Table", "Takes a table by its dotted name.", &[Any, Str], None, |c, a| {
        let mut at = any(a, 0);
        for name in bytes(a, 1).split(|b| *b == b'.') {
            let next = map(&[at], 0).and_then(|map| map.get(name));
            match next {
                Some(Value::Map(next)) if leads_on(next) => at = Value::Map(c.arena.view(next, Some(VALUES))),
                found => {
                    let mut message = format!("no table named {}", gotext::strconv::quote(name)).into_bytes();
                    if found.is_none() {
                        message.extend_from_slice(b" (");
                        gotext::fmt::append_value(&mut message, c.arena, at);
                        message.push(b')');
                    }
                    return fail(String::from_utf8_lossy(&message));
                }
            }
        }
        Ok(at)
    }),
    // No template has an `io.Writer`.
    f("Encode", "Writes the values as YAML somewhere.", &[Any, GoType::Named("io.Writer")], None, |_, _| nil_pointer()),
    f("PathValue", "Takes a value that is no table by its dotted name.", &[Any, Str], None, |_, a| {
        path_value(map(a, 0), bytes(a, 1)).map_err(Error::new)
    }),
];

fn yaml<'a>(c: &Call<'a, '_>, value: Value<'a>) -> Result<String, Error> {
    Emitted::check(value).map_err(Error::new)?;
    goyaml::to_yaml(&Emitted::new(c.arena, value)).map_err(|e| Error::new(e.to_string()))
}

/// `Values.PathValue`.
fn path_value<'a>(values: Option<&'a Map<'a>>, path: &[u8]) -> Result<Value<'a>, String> {
    if path.is_empty() {
        return Err("YAML path string cannot be zero length".to_owned());
    }
    let mut parts: Vec<&[u8]> = path.split(|b| *b == b'.').collect();
    let key = parts.pop().unwrap_or_default();
    let shown = String::from_utf8_lossy(key);
    let mut table = values;
    for part in &parts {
        table = match table.and_then(|map| map.get(part)) {
            Some(Value::Map(next)) if leads_on(next) => Some(next),
            _ => return Err(format!("{shown} is not a value")),
        };
    }
    match table.and_then(|map| map.get(key)) {
        Some(value) if !is_table(value) => Ok(value),
        _ if parts.is_empty() => Err(format!("{shown} is not a value")),
        _ => Err(format!("key not found: {shown}")),
    }
}

fn is_table(value: Value<'_>) -> bool {
    matches!(value, Value::Map(map) if map.name.is_none() && map.elem == GoType::Any)
}

/// Whether a path may lead through a map.
fn leads_on(map: &Map<'_>) -> bool {
    map.elem == GoType::Any && map.name.is_none_or(|name| name == VALUES)
}

/// What `tpl` needs of the dot, which must be a text.
fn of_template<'a>(values: Option<&'a Map<'a>>, source: &[u8], key: &str, shown: &str) -> Result<&'a [u8], Error> {
    let found = path_value(values, format!("Template.{key}").as_bytes()).map_err(|error| {
        let source = String::from_utf8_lossy(source);
        Error::new(format!("Cannot retrieve Template.{shown} from values inside tpl function: {source} ({error})"))
    })?;
    match found {
        Value::Str(text) => Ok(text),
        Value::Nil => fail("interface conversion: interface {} is nil, not string"),
        other => fail(format!("interface conversion: interface {{}} is {}, not string", other.type_name())),
    }
}

/// Executes a text as if it stood in the file that is being rendered: what that file defines is not there meanwhile.
fn tpl<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let (source, values) = (bytes(a, 0), map(a, 1));
    let base_path = of_template(values, source, "BasePath", "Basepath")?;
    let name = of_template(values, source, "Name", "Name")?;
    let depth = &mut host(c)?.tpl_depth;
    if *depth > TPL_DEPTH {
        return fail(format!("`tpl` calls itself more than {TPL_DEPTH} times"));
    }
    *depth += 1;
    // Partials are never executed.
    if base_name(&String::from_utf8_lossy(name)).starts_with('_') {
        host(c)?.tpl_depth -= 1;
        return Ok(Value::Str(b""));
    }
    if let Some(values) = values.filter(|values| !values.is_nil()) {
        values.set(b"Template", about(c.arena, base_path, name));
    }
    // How deep `include`s nest is counted anew.
    let included = mem::take(&mut host(c)?.included);
    let out = c.templates.execute_in_place(c.host, name, source, any(a, 1));
    let host = host(c)?;
    host.tpl_depth -= 1;
    host.included = included;
    match out {
        Ok(out) => Ok(c.arena.str(without_no_value(&out))),
        Err(error) => {
            let what = if error.kind == ErrorKind::Parse { "parse" } else { "render" };
            let (shown, name) = (gotext::strconv::quote(source), gotext::strconv::quote(name));
            Err(Error::wrap(
                format!("Error during tpl function execution for {shown}: {what} error in {name}: "),
                error,
            ))
        }
    }
}
