//! Helm's own functions: include, tpl, YAML, JSON and TOML texts (as Helm 4.3: `pkg/engine/funcs.go` and `engine.go`).

use gotext::GoType::{Any, String as Str};
use gotext::{Call, Error, ErrorKind, Function, GoType, Value};

use super::args::{Out, any, bytes, fail, nil_pointer, text};
use super::{f, host};
use crate::golang::toml;
use crate::values::{Emitted, from_tree, tree_map, without_no_value};

pub(super) const TABLE: &[Function] = &[
    f("include", "Executes a named template and gives its output.", &[Str, Any], None, include),
    f("tpl", "Executes a text as a template.", &[Str, Any], None, tpl),
    f(
        "required",
        "Ends the render with a message when a value is missing or an empty text.",
        &[Str, Any],
        None,
        required,
    ),
    f("fail", "Ends the render with a message.", &[Str], None, |c, a| {
        let host = host(c)?;
        if host.lint {
            host.note("INFO", "funcMap fail", &text(a, 0));
            return Ok(Value::Str(b""));
        }
        fail(wrapped(&text(a, 0)))
    }),
    f("lookup", "Gets an object of the cluster; nothing without one.", &[Str, Str, Str, Str], None, |c, a| {
        let asked = host(c)?.lookup.clone();
        let tree = match asked {
            Some(cluster) => cluster.lookup(&text(a, 0), &text(a, 1), &text(a, 2), &text(a, 3)).map_err(Error::new)?,
            None => goyaml::Value::Map(goyaml::Map::new()),
        };
        Ok(from_tree(c.arena, &tree))
    }),
    f("getHostByName", "Gets an address of a host name, when DNS may be asked.", &[Str], None, |c, a| {
        let resolve = host(c)?.resolve.clone();
        match resolve {
            None => Ok(Value::Str(b"")),
            // Sprig takes a random one of no addresses.
            Some(resolve) => match resolve.resolve(&text(a, 0)) {
                Some(address) => Ok(c.arena.str(address)),
                None => fail("invalid argument to Intn"),
            },
        }
    }),
    f("toYaml", "Writes a value as YAML; nothing when it cannot be.", &[Any], None, |c, a| {
        Ok(c.arena.str(yaml(c, any(a, 0)).unwrap_or_default()))
    }),
    f("mustToYaml", "Writes a value as YAML.", &[Any], None, |c, a| {
        let written = yaml(c, any(a, 0))?;
        Ok(c.arena.str(written))
    }),
    f("toYamlPretty", "Writes a value as YAML with lists indented.", &[Any], None, |c, a| {
        let value = any(a, 0);
        if let Err(refused) = Emitted::check(value) {
            // What is of no kind that it knows makes the YAML library panic; all else it says is thrown away.
            return match refused.strip_prefix("json: unsupported type: ") {
                Some(of_type) => fail(format!("cannot marshal type: {of_type}")),
                None => Ok(Value::Str(b"")),
            };
        }
        let written = goyaml::to_yaml_pretty(&Emitted::new(c.arena, value));
        Ok(c.arena.str(written.strip_suffix('\n').unwrap_or(&written)))
    }),
    f("fromYaml", "Reads a YAML map; an error stands under `Error`.", &[Str], None, |c, a| {
        Ok(match goyaml::from_yaml_map(bytes(a, 0)) {
            Ok(map) => Value::Map(tree_map(c.arena, &map)),
            Err(error) => error_map(c, &error.to_string()),
        })
    }),
    f("fromYamlArray", "Reads a YAML list; an error is its only item.", &[Str], None, |c, a| {
        Ok(match goyaml::from_yaml_seq(bytes(a, 0)) {
            Ok(items) => list(c, &items),
            Err(error) => c.arena.list(&[c.arena.str(error.to_string())]),
        })
    }),
    f("toJson", "Writes a value as JSON; nothing when it cannot be.", &[Any], None, |c, a| {
        Ok(c.arena.str(json(c, any(a, 0)).unwrap_or_default()))
    }),
    f("mustToJson", "Writes a value as JSON.", &[Any], None, |c, a| {
        let written = json(c, any(a, 0))?;
        Ok(c.arena.str(written))
    }),
    f("toPrettyJson", "Writes a value as indented JSON; nothing when it cannot be.", &[Any], None, |c, a| {
        Ok(c.arena.str(pretty_json(c, any(a, 0)).unwrap_or_default()))
    }),
    f("mustToPrettyJson", "Writes a value as indented JSON.", &[Any], None, |c, a| {
        let written = pretty_json(c, any(a, 0))?;
        Ok(c.arena.str(written))
    }),
    f("toRawJson", "Writes a value as JSON without escaping HTML.", &[Any], None, raw_json),
    f("mustToRawJson", "Writes a value as JSON without escaping HTML.", &[Any], None, raw_json),
    f("fromJson", "Reads a JSON object; an error stands under `Error`.", &[Str], None, |c, a| {
        Ok(match goyaml::from_json_map(bytes(a, 0)) {
            Ok(_) if is_null(bytes(a, 0)) => GoType::Map.zero(c.arena),
            Ok(map) => Value::Map(tree_map(c.arena, &map)),
            Err(error) => error_map(c, &error.to_string()),
        })
    }),
    f("mustFromJson", "Reads JSON.", &[Str], None, |c, a| match goyaml::from_json(bytes(a, 0)) {
        Ok(tree) => Ok(from_tree(c.arena, &tree)),
        Err(error) => fail(error.to_string()),
    }),
    f("fromJsonArray", "Reads a JSON list; an error is its only item.", &[Str], None, |c, a| {
        Ok(match goyaml::from_json_seq(bytes(a, 0)) {
            Ok(_) if is_null(bytes(a, 0)) => GoType::List.zero(c.arena),
            Ok(items) => list(c, &items),
            Err(error) => c.arena.list(&[c.arena.str(error.to_string())]),
        })
    }),
    f("toToml", "Writes a value as TOML, or the error text.", &[Any], None, |c, a| {
        let written = toml::encode(c.arena, any(a, 0));
        // Of a nil Go panics, which is no text to give back.
        if matches!(any(a, 0), Value::Nil) {
            return written.map(|text| c.arena.str(text)).map_err(Error::new);
        }
        Ok(c.arena.str(written.unwrap_or_else(String::into_bytes)))
    }),
    f("mustToToml", "Writes a value as TOML.", &[Any], None, |c, a| {
        Ok(c.arena.str(toml::encode(c.arena, any(a, 0)).map_err(Error::new)?))
    }),
    f("fromToml", "Reads TOML; an error stands under `Error`.", &[Str], None, |c, a| {
        let local = host(c)?.local;
        Ok(match toml::decode(c.arena, bytes(a, 0), local) {
            Ok(map) => Value::Map(map),
            Err(error) => error_map(c, &error),
        })
    }),
];

/// The methods of `common.Values` (as Helm 4.3: `pkg/chart/common/values.go`); the first argument is the map.
pub(crate) const VALUES_METHODS: &[Function] = &[
    f("AsMap", "Gives the values as a plain map.", &[Any], None, |c, a| {
        Ok(match any(a, 0) {
            Value::Map(map) if !map.is_empty() => Value::Map(c.arena.view(map, None)),
            _ => Value::Map(c.arena.map()),
        })
    }),
    f("YAML", "Writes the values as YAML.", &[Any], None, |c, a| {
        Emitted::check(any(a, 0)).map_err(Error::new)?;
        let written = goyaml::to_yaml(&Emitted::new(c.arena, any(a, 0)));
        Ok(c.arena.str(written.map_err(|e| Error::new(e.to_string()))?))
    }),
    f("Table", "Takes a table by its dotted name.", &[Any, Str], None, |c, a| {
        let mut at = any(a, 0);
        for name in bytes(a, 1).split(|b| *b == b'.') {
            match at {
                Value::Map(map) => match map.get(name) {
                    Some(Value::Map(next)) => at = Value::Map(c.arena.view(next, Some("common.Values"))),
                    _ => return fail(format!("{} is not a table", gotext::strconv::quote(name))),
                },
                _ => return Ok(at),
            }
        }
        Ok(at)
    }),
    // No template has an `io.Writer`.
    f("Encode", "Writes the values as YAML somewhere.", &[Any, GoType::Named("io.Writer")], None, |_, _| nil_pointer()),
    f("PathValue", "Takes a value that is no table by its dotted name.", &[Any, Str], None, path_value),
];

/// The texts around the message of `fail` and `required`, by which the engine finds it again.
pub(crate) const WARN_START: &str = "HELM_ERR_START";
/// See [`WARN_START`].
pub(crate) const WARN_END: &str = "HELM_ERR_END";

/// How deep `include`s of one name may nest.
const INCLUDE_DEPTH: u32 = 1000;

/// How deep `tpl` may nest; Helm has no limit and dies.
pub(crate) const TPL_DEPTH: u32 = 1000;

fn wrapped(message: &str) -> String {
    format!("{WARN_START}{message}{WARN_END}")
}

fn include<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let name = bytes(a, 0);
    let running = host(c)?.included.entry(name.to_vec()).or_insert(0);
    if *running > INCLUDE_DEPTH {
        return fail(format!(
            "rendering template has a nested reference name: {}: unable to execute template",
            String::from_utf8_lossy(name)
        ));
    }
    *running += 1;
    let out = c.templates.execute(c.host, name, any(a, 1));
    if let Some(running) = host(c)?.included.get_mut(name) {
        *running -= 1;
    }
    out.map(|out| c.arena.str(out))
}

fn tpl<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let source = bytes(a, 0);
    let depth = &mut host(c)?.tpl_depth;
    if *depth > TPL_DEPTH {
        return fail(format!("`tpl` calls itself more than {TPL_DEPTH} times"));
    }
    *depth += 1;
    let out = c.templates.execute_text(c.host, b"gotpl", source, any(a, 1));
    host(c)?.tpl_depth -= 1;
    match out {
        Ok(out) => Ok(c.arena.str(without_no_value(&out))),
        Err(error) => {
            let shown = gotext::strconv::quote(source);
            Err(match error.kind {
                ErrorKind::Parse => Error::wrap(format!("cannot parse template {shown}: "), error),
                _ => Error::wrap(format!("error during tpl function execution for {shown}: "), error),
            })
        }
    }
}

fn required<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let value = any(a, 1);
    if !matches!(value, Value::Nil | Value::Str(b"")) {
        return Ok(value);
    }
    let host = host(c)?;
    if host.lint {
        let plural = if matches!(value, Value::Nil) { "" } else { "s" };
        host.note("WARN", &format!("missing required value{plural}"), &text(a, 0));
        return Ok(Value::Str(b""));
    }
    fail(wrapped(&text(a, 0)))
}

fn yaml<'a>(c: &Call<'a, '_>, value: Value<'a>) -> Result<String, Error> {
    Emitted::check(value).map_err(Error::new)?;
    let mut written = goyaml::to_yaml(&Emitted::new(c.arena, value)).map_err(|e| Error::new(e.to_string()))?;
    if written.ends_with('\n') {
        written.pop();
    }
    Ok(written)
}

fn json<'a>(c: &Call<'a, '_>, value: Value<'a>) -> Result<String, Error> {
    Emitted::check(value).map_err(Error::new)?;
    goyaml::to_json(&Emitted::new(c.arena, value)).map_err(|e| Error::new(e.to_string()))
}

fn pretty_json<'a>(c: &Call<'a, '_>, value: Value<'a>) -> Result<String, Error> {
    Emitted::check(value).map_err(Error::new)?;
    goyaml::to_json_pretty(&Emitted::new(c.arena, value)).map_err(|e| Error::new(e.to_string()))
}

fn raw_json<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    Emitted::check(any(a, 0)).map_err(Error::new)?;
    let written = goyaml::to_json_raw(&Emitted::new(c.arena, any(a, 0))).map_err(|e| Error::new(e.to_string()))?;
    Ok(c.arena.str(written))
}

/// Whether a JSON text is `null`, which leaves a nil behind.
fn is_null(text: &[u8]) -> bool {
    text.trim_ascii() == b"null"
}

fn list<'a>(c: &Call<'a, '_>, items: &[goyaml::Value]) -> Value<'a> {
    let items: Vec<_> = items.iter().map(|item| from_tree(c.arena, item)).collect();
    c.arena.appended(GoType::Any, &items)
}

pub(crate) fn error_map<'a>(c: &Call<'a, '_>, error: &str) -> Value<'a> {
    let map = c.arena.typed_map(GoType::Any);
    map.set(b"Error", c.arena.str(error));
    Value::Map(map)
}

fn path_value<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let path = bytes(a, 1);
    if path.is_empty() {
        return fail("YAML path cannot be empty");
    }
    let _ = &c;
    let mut at = any(a, 0);
    let parts: Vec<&[u8]> = path.split(|b| *b == b'.').collect();
    let key = parts.last().copied().unwrap_or_default();
    for part in parts.iter().take(parts.len() - 1) {
        at = match at {
            Value::Map(map) => map.get(part).unwrap_or(Value::Nil),
            _ => Value::Nil,
        };
    }
    match at {
        Value::Map(map) => match map.get(key) {
            Some(Value::Map(_)) | None => fail(format!("{} is not a value", gotext::strconv::quote(key))),
            Some(value) => Ok(value),
        },
        _ => fail(format!("{} is not a value", gotext::strconv::quote(key))),
    }
}
