//! Texts that Helm 4.3.1 printed, and schemas that mean harm.

use super::*;
use crate::metadata::Metadata;

fn map(json: &str) -> Map {
    serde_json::from_str(json).unwrap()
}

fn check(schema: &str, values: &str) -> String {
    validate_one(&map(values), schema.as_bytes()).map_or_else(|e| e.text, |()| String::new())
}

#[test]
fn texts_are_helms() {
    for (schema, values, want) in [
        (
            r#"{"properties":{"a":{"minimum":5000}}}"#,
            r#"{"a":1234.5}"#,
            "- at '/a': minimum: got 1,234.5, want 5,000\n",
        ),
        (
            r#"{"properties":{"a":{"maximum":1e-05}}}"#,
            r#"{"a":1234567.891}"#,
            "- at '/a': maximum: got 1.234567891×10⁰⁶, want 1×10⁻⁰⁵\n",
        ),
        (
            r#"{"properties":{"a":{"maximum":-50000.25}}}"#,
            r#"{"a":-1000}"#,
            "- at '/a': maximum: got -1,000, want -50,000.25\n",
        ),
        (
            r#"{"properties":{"a":{"enum":[1,1.0,"x",null,true,12345]}}}"#,
            r#"{"a":"y"}"#,
            "- at '/a': value must be one of 1, 1.0, 'x', <nil>, true, 12345\n",
        ),
        (r#"{"required":["b","c"]}"#, "{}", "- at '': missing properties 'b', 'c'\n"),
        (r#"{"required":["b"]}"#, "{}", "- at '': missing property 'b'\n"),
        (
            r#"{"propertyNames":{"pattern":"^x"}}"#,
            r#"{"a":1}"#,
            "- at '': invalid propertyName 'a'\n  - at '': 'a' does not match pattern '^x'\n",
        ),
        (
            r##"{"properties":{"a":{"$ref":"#/definitions/x"}},"definitions":{"x":{"type":["string","null"]}}}"##,
            r#"{"a":1}"#,
            "- at '/a': got number, want null or string\n",
        ),
        (
            r#"{"anyOf":[{"required":["z"]},{"properties":{"a":{"type":"integer"}}}]}"#,
            r#"{"a":1.5}"#,
            "- at '': 'anyOf' failed\n  - at '': missing property 'z'\n  - at '/a': got number, want integer\n",
        ),
        (
            r#"{"properties":{"a":{"pattern":"^\\d+$"}}}"#,
            r#"{"a":"it's"}"#,
            "- at '/a': 'it\\'s' does not match pattern '^\\\\d+$'\n",
        ),
        (
            r#"{"properties":{"a":{"contains":{"type":"string"},"minContains":2}}}"#,
            r#"{"a":["x",1]}"#,
            "- at '/a': min 2 items required to match contains schema, but matched 1 items at 0\n  - at '/a/1': got number, want string\n",
        ),
        (
            r#"{"allOf":[{"required":["z"],"minProperties":2}]}"#,
            "{}",
            "- at '': 'allOf' failed\n  - at '': validation failed\n    - at '': minProperties: got 0, want 2\n    - at '': missing property 'z'\n",
        ),
        (
            r#"{"properties":{"a":{"properties":{"b/c~d":{"type":"string"}}}}}"#,
            r#"{"a":{"b/c~d":1}}"#,
            "- at '/a/b~1c~0d': got number, want string\n",
        ),
        (
            r#"{"type":"foo"}"#,
            "{}",
            "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with 'https://json-schema.org/draft/2020-12/schema#'\n- at '': 'allOf' failed\n  - at '/type': 'anyOf' failed\n    - at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'\n    - at '/type': got string, want array",
        ),
        (
            r##"{"$ref":"#/definitions/none"}"##,
            "{}",
            "json-pointer in \"file:///values.schema.json#/definitions/none\" not found",
        ),
        (r#"{"a":"#, "{}", "unexpected EOF"),
        (r#"{"a":-"#, "{}", "unexpected EOF"),
        (r#"{"a":- 1"#, "{}", "invalid character ' ' in numeric literal"),
        ("", "{}", "EOF"),
        ("{} x", "{}", "invalid character after top-level value"),
        (
            r##"{"$ref":"#"}"##,
            "{}",
            "- at '': both /$ref and  resolve to \"file:///values.schema.json#\" causing reference cycle\n",
        ),
        (r#"{"$ref":"urn:foo:bar"}"#, "{}", ""),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"type":"integer"}}}"#,
            r#"{"a":2}"#,
            "",
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":{"minimum":5,"exclusiveMinimum":true}}}"#,
            r#"{"a":5}"#,
            "- at '/a': exclusiveMinimum: got 5, want 5\n",
        ),
    ] {
        assert_eq!(check(schema, values), want, "{schema}");
    }
}

#[test]
fn references_are_read_as_go_reads_addresses() {
    for (schema, want) in [
        (r##"{"$ref":"#/$defs/a b","$defs":{"a b":{"type":"string"}}}"##, "- at '': got object, want string\n"),
        (r##"{"$ref":"#/$defs/a[b","$defs":{"a[b":{"type":"string"}}}"##, "- at '': got object, want string\n"),
        (r##"{"$ref":"#/x[y"}"##, r#"json-pointer in "file:///values.schema.json#/x%5By" not found"#),
        (
            r##"{"$ref":"#/a,b;c!d(e)'f*"}"##,
            "json-pointer in \"file:///values.schema.json#/a%2Cb%3Bc%21d%28e%29%27f%2A\" not found",
        ),
        (r##"{"$ref":"#/a%41b"}"##, r#"json-pointer in "file:///values.schema.json#/aAb" not found"#),
        (r##"{"$ref":"#/a=b:c@d&e$f+g"}"##, r#"json-pointer in "file:///values.schema.json#/a=b:c@d&e$f+g" not found"#),
        (
            r##"{"$ref":"#a*b"}"##,
            r#"anchor in "file:///values.schema.json#a%2Ab" not found in schema "file:///values.schema.json""#,
        ),
        (r##"{"$ref":"#/a?b"}"##, r#"json-pointer in "file:///values.schema.json#/a%3Fb" not found"#),
        (r##"{"$ref":"#/a%2541"}"##, r#"json-pointer in "file:///values.schema.json#/a%2541" not found"#),
        (
            r##"{"$schema":"http://json-schema.org/draft-04/schema#","$ref":"#/$defs/%%7D"}"##,
            r##"error in parsing "#/$defs/%%7D": invalid URL escape "%%7""##,
        ),
        (
            r##"{"$schema":"http://json-schema.org/draft-04/schema#","$ref":"#/a%zzb%41"}"##,
            r##"error in parsing "#/a%zzb%41": invalid URL escape "%zz""##,
        ),
        (
            r##"{"$schema":"http://json-schema.org/draft-04/schema#","$ref":"x#/a%4"}"##,
            r##"error in parsing "x#/a%4": invalid URL escape "%4""##,
        ),
        (
            r##"{"$schema":"http://json-schema.org/draft-04/schema#","$ref":"#/%25%2"}"##,
            r##"error in parsing "#/%25%2": invalid URL escape "%2""##,
        ),
        (
            r##"{"$defs":{"{d} é*":{"exclusiveMinimum":1}},"$ref":"#/$defs/{d} é*","$schema":"http://json-schema.org/draft-04/schema#"}"##,
            "\"file:///values.schema.json#/$defs/%7Bd%7D%20%C3%A9%2A\" is not valid against metaschema: jsonschema validation failed with 'http://json-schema.org/draft-04/schema#'\n- at '': properties 'minimum' required, if 'exclusiveMinimum' exists\n- at '/exclusiveMinimum': got number, want boolean",
        ),
        (r##"{"properties":{"a b|~/":{"$ref":"#/x~2"}}}"##, "invalid json-pointer \"file:///values.schema.json#/x~2\""),
        (
            r##"{"properties":{"a b|c":{"$id":"http://[::1"}}}"##,
            "error in parsing id at \"file:///values.schema.json#/properties/a%20b%7Cc\"",
        ),
        (
            r##"{"$defs":{"a|b":{"$ref":"#/$defs/a|b"}},"$ref":"#/$defs/a|b"}"##,
            "- at '': both /$ref/$ref and /$ref resolve to \"file:///values.schema.json#/$defs/a%7Cb\" causing reference cycle\n",
        ),
        (
            r##"{"$defs":{"a%41b":{"type":5}},"properties":{"x":{"$ref":"#/$defs/a%2541b"}},"$schema":"http://json-schema.org/draft-04/schema#"}"##,
            "\"file:///values.schema.json#/$defs/a%2541b\" is not valid against metaschema: jsonschema validation failed with 'http://json-schema.org/draft-04/schema#'\n- at '/type': 'anyOf' failed\n  - at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'\n  - at '/type': got number, want array",
        ),
        (r##"{"$ref":"#/é"}"##, r#"json-pointer in "file:///values.schema.json#/%C3%A9" not found"#),
        (r##"{"$ref":"#/x|y^`<>"}"##, r#"json-pointer in "file:///values.schema.json#/x%7Cy%5E%60%3C%3E" not found"#),
        (
            r##"{"$dynamicRef":"#a b"}"##,
            r#"anchor in "file:///values.schema.json#a%20b" not found in schema "file:///values.schema.json""#,
        ),
        (
            r##"{"$schema":"http://json-schema.org/draft-04/schema#","$ref":"#/%zz"}"##,
            r##"error in parsing "#/%zz": invalid URL escape "%zz""##,
        ),
        (r#"{"$schema":"|"}"#, r#"failing loading "|": no URLLoader registered for "%7C""#),
        (r#"{"$schema":"s:"}"#, r#"failing loading "s:": no URLLoader registered for "s:""#),
        (
            r#"{"$schema":":"}"#,
            r#"invalid $schema in "file:///values.schema.json#": parse ":": missing protocol scheme"#,
        ),
    ] {
        assert_eq!(check(schema, "{}"), want, "{schema}");
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    for url in [
        "http://127.0.0.1:1/x.json",
        "https://example.com/x.json",
        "file:///etc/passwd",
        "file:///dev/zero",
        "other.json",
    ] {
        let got = check(&format!(r#"{{"$ref":"{url}"}}"#), "{}");
        assert!(got.starts_with("failing loading "), "{got}");
        assert!(got.contains("are refused"), "{got}");
    }
    assert!(check(r#"{"$schema":"http://example.com/s"}"#, "{}").contains("are refused"));
}

#[test]
fn harmful_schemas_end() {
    // Each definition doubles the work of the one before.
    let mut definitions: Vec<_> = (0..60)
        .map(|i| format!(r##""d{i}":{{"anyOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##, i + 1))
        .collect();
    definitions.push(r#""d60":{"type":"string"}"#.to_owned());
    let schema = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{}}}}}"##, definitions.join(","));
    assert!(check(&schema, "{}").contains("take too long"));
    // The values bring the depth.
    let schema = r##"{"properties":{"a":{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}},"required":["b"]}"##;
    let deep = r#"{"a":"#.repeat(40) + "1" + &"}".repeat(40);
    assert!(check(schema, &deep).contains("take too long"));
    // A long chain of references.
    let chain: Vec<_> = (0..20_000).map(|i| format!(r##""d{i}":{{"$ref":"#/$defs/d{}"}}"##, i + 1)).collect();
    let schema = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d20000":true}}}}"##, chain.join(","));
    assert!(check(&schema, "{}").contains("nested too deeply"));
    // Deep, and still fine.
    let chain: Vec<_> = (0..3_000).map(|i| format!(r##""d{i}":{{"$ref":"#/$defs/d{}"}}"##, i + 1)).collect();
    let schema = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d3000":false}}}}"##, chain.join(","));
    assert_eq!(check(&schema, "{}"), "- at '': false schema\n");
    let schema = r#"{"properties":{"a":"#.repeat(140) + "false" + &"}}".repeat(140);
    let values = r#"{"a":"#.repeat(90) + "1" + &"}".repeat(90);
    assert_eq!(check(&schema, &values), "");
    let schema = r#"{"not":"#.repeat(400) + "false" + &"}".repeat(400);
    assert_eq!(check(&schema, "{}"), "the schema is nested deeper than the maximum of 300");
    // A recursive definition over a tree is ordinary.
    let schema =
        r##"{"$defs":{"n":{"type":"object","additionalProperties":{"$ref":"#/$defs/n"}}},"$ref":"#/$defs/n"}"##;
    assert_eq!(check(schema, r#"{"a":{"b":{"c":1}}}"#), "- at '/a/b/c': got number, want object\n");
}

#[test]
fn subcharts_have_their_say() {
    let chart = |name: &str, schema: Option<&str>, dependencies| Chart {
        metadata: Metadata { name: name.into(), ..Metadata::default() },
        schema: schema.map(|s| s.to_owned().into()),
        dependencies,
        ..Chart::default()
    };
    let sub = chart("sub", Some(r#"{"required":["x"]}"#), vec![]);
    let odd = chart("odd", None, vec![]);
    let parent = chart("p", Some(r#"{"properties":{"a":{"type":"string"}}}"#), vec![sub, odd]);
    assert_eq!(validate(&parent, &map(r#"{"a":"s"}"#)), Ok(()));
    let invalid = validate(&parent, &map(r#"{"a":1,"sub":{},"odd":[1]}"#)).unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "values don't meet the specifications of the schema(s) in the following chart(s):\np:\n- at '/a': got number, want string\nsub:\n- at '': missing property 'x'\nodd:\ninvalid type for values: expected object (map), got []interface {}\n"
    );
    let at: Vec<_> = invalid.violations.iter().map(|v| (v.chart.as_str(), v.pointer.as_str())).collect();
    assert_eq!(at, [("p", "/a"), ("sub", ""), ("odd", "")]);
}

#[test]
fn patterns_are_gos() {
    let refused = |at: &str, shown: &str, reason: &str| {
        format!(
            "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with \
             'https://json-schema.org/draft/2020-12/schema#'\n- at '': 'allOf' failed\n  - at '{at}': '{shown}' is not \
             valid regex: error parsing regexp: {reason}"
        )
    };
    for (pattern, shown, reason) in [
        (r"\\", r"\", "trailing backslash at end of expression: ``"),
        ("(", "(", "missing closing ): `(`"),
        ("(?=x)", "(?=x)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"\\cA", r"\\cA", r"invalid escape sequence: `\c`"),
        ("x{1001}", "x{1001}", "invalid repeat count: `{1001}`"),
    ] {
        let got = check(&format!(r#"{{"pattern":"{pattern}"}}"#), "{}");
        assert_eq!(got, refused("/pattern", shown, reason), "{pattern}");
    }
    // (expression, matches, does not match)
    for (pattern, yes, no) in [
        (r"^[\\d-z]+$", "1-z", "y"),
        (r"^\\Qa.b\\E$", "a.b", "axb"),
        ("^a{,3}$", "a{,3}", "aa"),
        ("^[a&&b]+$", "&ab", "c"),
        (r"^\\s$", " ", "\u{a0}"),
        (r"^\\07$", "\u{7}", "7"),
        ("(?i)^x$", "X", "y"),
    ] {
        let schema = format!(r#"{{"properties":{{"a":{{"pattern":"{pattern}"}}}}}}"#);
        let with = |text: &str| check(&schema, &serde_json::json!({ "a": text }).to_string());
        assert_eq!(with(yes), "", "{pattern}");
        let shown = pattern.replace('\'', "\\'");
        assert_eq!(
            with(no),
            format!("- at '/a': {} does not match pattern '{shown}'\n", text::quoted(no)),
            "{pattern}"
        );
    }
    // Two that mean the same are told apart.
    let schema = r#"{"properties":{"a":{"pattern":"^\\d$"},"b":{"pattern":"^[0-9]$"}}}"#;
    assert_eq!(
        check(schema, r#"{"a":"x","b":"y"}"#),
        "- at '/a': 'x' does not match pattern '^\\\\d$'\n- at '/b': 'y' does not match pattern '^[0-9]$'\n"
    );
}
