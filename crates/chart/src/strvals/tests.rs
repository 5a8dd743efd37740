//! Tables from the real thing (`helm-oracle`, op `set`).

use super::*;

fn show(map: &Map) -> String {
    serde_json::to_string(map).unwrap()
}

fn set(kind: &str, expression: &str, into: &str) -> Result<String, String> {
    let mut map: Map = serde_json::from_str(into).unwrap();
    match kind {
        "set" => parse_into(expression, &mut map),
        "string" => parse_into_string(expression, &mut map),
        "json" => parse_json(expression, &mut map),
        _ => parse_literal_into(expression, &mut map),
    }
    .map(|()| show(&map))
    .map_err(|e| e.to_string())
}

#[test]
fn sets_as_helm() {
    for (kind, expression, into, want) in [
        ("set", "a=1,b=true,c=null,d=x", "{}", Ok(r#"{"a":1,"b":true,"c":null,"d":"x"}"#)),
        ("set", "a=01,b=0,c=-0,d=+5,e=1e3", "{}", Ok(r#"{"a":"01","b":0,"c":0,"d":5,"e":"1e3"}"#)),
        ("set", "a.b.c=1", r#"{"a":{"x":1}}"#, Ok(r#"{"a":{"b":{"c":1},"x":1}}"#)),
        ("set", "a={1,x,true},b=2", "{}", Ok(r#"{"a":[1,"x",true],"b":2}"#)),
        ("set", "a={}", "{}", Ok(r#"{"a":[""]}"#)),
        ("set", "a[2]=x", "{}", Ok(r#"{"a":[null,null,"x"]}"#)),
        ("set", "a[0].b=1,a[1][1]=2", "{}", Ok(r#"{"a":[{"b":1},[null,2]]}"#)),
        ("set", r"a\.b=x\,y", "{}", Ok(r#"{"a.b":"x,y"}"#)),
        ("set", "a=", "{}", Ok(r#"{"a":""}"#)),
        ("set", "a[", "{}", Ok("{}")),
        ("set", "=1", "{}", Ok("{}")),
        ("set", "", "{}", Ok("{}")),
        ("set", "a", "{}", Err("key \"a\" has no value")),
        ("set", "a,b=1", "{}", Err("key \"a\" has no value (cannot end with ,)")),
        ("set", "a={1", "{}", Err("list must terminate with '}'")),
        ("set", "a[-1]=1", "{}", Err("negative -1 index not allowed")),
        ("set", "a[x]=1", "{}", Err("error parsing index: strconv.Atoi: parsing \"x\": invalid syntax")),
        ("set", "a[0]b=1", "{}", Err("unexpected data at end of array index: ['b']")),
        ("set", "a[65537]=1", "{}", Err("index of 65537 is greater than maximum supported index of 65536")),
        (
            "set",
            "a.b=1",
            r#"{"a":"x"}"#,
            Err("unable to parse key: interface conversion: interface {} is string, not map[string]interface {}"),
        ),
        (
            "set",
            "a[0]=1",
            r#"{"a":null}"#,
            Err("unable to parse key: interface conversion: interface {} is nil, not []interface {}"),
        ),
        ("string", "a=1,b=null,c={1,2}", "{}", Ok(r#"{"a":"1","b":"null","c":["1","2"]}"#)),
        ("json", r#"a={"x":[1,"}"]} ,b=null,c=,d="q""#, "{}", Ok(r#"{"a":{"x":[1,"}"]},"b":null,"c":null,"d":"q"}"#)),
        ("json", "a=1", r#"{"a":{"b":1}}"#, Ok(r#"{"a":1}"#)),
        ("literal", r"a.b=x,y={1}\n", "{}", Ok(r#"{"a":{"b":"x,y={1}\\n"}}"#)),
        ("literal", "a[1]=x", "{}", Ok(r#"{"a":[null,"x"]}"#)),
    ] {
        let got = set(kind, expression, into);
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{kind} {expression}");
    }
}

#[test]
fn nesting_is_bounded() {
    let names = "a.".repeat(40) + "b=1";
    assert_eq!(
        set("set", &names, "{}").unwrap_err(),
        "value name nested level is greater than maximum supported nested level of 30"
    );
    let indices = format!("a{}=1", "[0]".repeat(100_000));
    assert_eq!(set("set", &indices, "{}").unwrap_err(), "value path is deeper than maximum supported depth of 250");
    let mixed = "a[0].".repeat(100_000) + "b=1";
    assert_eq!(set("set", &mixed, "{}").unwrap_err(), "value path is deeper than maximum supported depth of 250");
    let wide: Vec<_> = (0..1000).map(|i| format!("k{i}[65536]=1")).collect();
    assert_eq!(
        set("set", &wide.join(","), "{}").unwrap_err(),
        "lists grow by more than the maximum of 1048576 items together"
    );
}

#[test]
fn files_are_read_by_the_caller() {
    let mut map = Map::new();
    let mut read = |path: &str| match path {
        "no" => Err("open no: no such file or directory".to_owned()),
        path => Ok(Value::Str(format!("<{path}>"))),
    };
    parse_into_file("a=x,b={y,z}", &mut map, &mut read).unwrap();
    assert_eq!(show(&map), r#"{"a":"<x>","b":["<y>","<z>"]}"#);
    let error = parse_into_file("c=no", &mut map, &mut read).unwrap_err();
    assert_eq!(error.to_string(), "open no: no such file or directory");
}
