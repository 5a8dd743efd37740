//! The contract as a page to read, made from the document; it needs no network and no script.

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::Value;

static PAGE: LazyLock<String> = LazyLock::new(|| make(api::document()));

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h1,h2,h3{line-height:1.2}h2{margin-top:3rem;border-bottom:1px solid #ccc}h3{margin-top:2.5rem}\
code,pre{font:14px/1.4 ui-monospace,monospace;background:#f4f4f4;border-radius:3px}code{padding:.1em .3em}pre{padding:.8em;overflow-x:auto}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3em .6em;border-bottom:1px solid #ddd}\
.m{font-weight:bold;text-transform:uppercase}a{color:#06c}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}code,pre{background:#282828}td,th,h2{border-color:#444}a{color:#6af}}";

/// Returns the page.
pub(crate) fn page() -> &'static str {
    &PAGE
}

fn make(document: &Value) -> String {
    let mut page = String::new();
    let info = |name: &str| text(&document["info"][name]);
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{0}</title><style>{STYLE}</style><h1>{0} <small>{1}</small></h1><p>{2}</p>{3}<p>The document itself: <a href=/openapi.json>/openapi.json</a>.</p>",
        info("title"),
        info("version"),
        info("summary"),
        prose(document["info"]["description"].as_str().unwrap_or_default()),
    );
    contents(&mut page, document);
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = text(&tag["name"]);
        let _ = write!(page, "<h2 id={name}>{name}</h2><p>{}</p>", text(&tag["description"]));
        for (method, path, operation) in operations(document) {
            if operation["tags"][0] == tag["name"] {
                one(&mut page, method, path, operation);
            }
        }
    }
    page.push_str("<h2 id=problems>problems</h2><p>Every error is <code>application/problem+json</code>; <code>reason</code> never changes.</p><table><tr><th>reason<th>status<th>retryable<th>meaning");
    for reason in api::Reason::ALL {
        let _ = write!(
            page,
            "<tr id={0}><td><code>{0}</code><td>{1}<td>{2}<td>{3}",
            reason.as_str(),
            reason.status(),
            if reason.retryable() { "yes" } else { "no" },
            inline(reason.meaning())
        );
    }
    page.push_str("</table><h2 id=types>types</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(page, "<h3 id=type-{name}>{name}</h3><p>{}</p>", inline_of(&schema["description"]));
        fields(&mut page, schema);
        if let Some(example) = schema.get("example") {
            let pretty = serde_json::to_string_pretty(example).unwrap_or_default();
            let _ = write!(page, "<pre>{}</pre>", escape(&pretty));
        }
    }
    page
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        methods
            .as_object()
            .into_iter()
            .flatten()
            .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn contents(page: &mut String, document: &Value) {
    page.push_str("<table>");
    for (method, path, operation) in operations(document) {
        let _ = write!(
            page,
            "<tr><td class=m>{method}<td><a href=#{}><code>{}</code></a><td>{}",
            text(&operation["operationId"]),
            escape(path),
            inline_of(&operation["summary"])
        );
    }
    page.push_str("</table>");
}

fn one(page: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(
        page,
        "<h3 id={0}>{1}</h3><p><span class=m>{method}</span> <code>{2}</code> · {0}</p><p>{3}</p>",
        text(&operation["operationId"]),
        inline_of(&operation["summary"]),
        escape(path),
        inline_of(&operation["description"])
    );
    if let Some(parameters) = operation["parameters"].as_array() {
        page.push_str("<table><tr><th>parameter<th>in<th>type<th>meaning");
        for parameter in parameters {
            let _ = write!(
                page,
                "<tr><td><code>{}</code><td>{}<td>{}<td>{}",
                text(&parameter["name"]),
                text(&parameter["in"]),
                kind(&parameter["schema"]),
                inline_of(&parameter["description"])
            );
        }
        page.push_str("</table>");
    }
    if let Some(body) = operation.get("requestBody") {
        let _ = write!(page, "<p>Body: {} {}</p>", media(body), inline_of(&body["description"]));
    }
    page.push_str("<table><tr><th>status<th>answer<th>meaning");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let meaning = response["description"].as_str().unwrap_or_default();
        let _ = write!(page, "<tr><td>{status}<td>{}<td>{}", media(response), prose(meaning));
    }
    page.push_str("</table>");
}

fn media(holder: &Value) -> String {
    let types = holder["content"].as_object().into_iter().flatten();
    types
        .map(|(name, content)| format!("<code>{}</code> {}", escape(name), kind(&content["schema"])))
        .collect::<Vec<_>>()
        .join("<br>")
}

fn fields(page: &mut String, schema: &Value) {
    if let Some(all) = schema["oneOf"].as_array() {
        return all.iter().for_each(|one| {
            let _ = write!(page, "<p>{}</p>", inline_of(&one["description"]));
            fields(page, one);
        });
    }
    let Some(properties) = schema["properties"].as_object() else {
        let _ = write!(page, "<p>{}</p>", kind(schema));
        return;
    };
    let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
    page.push_str("<table><tr><th>field<th>type<th>meaning");
    for (name, property) in properties {
        let star = if required.contains(&&Value::from(name.as_str())) { " *" } else { "" };
        let described = property.get("description").or_else(|| property["oneOf"].get(0)?.get("description"));
        let _ = write!(
            page,
            "<tr><td><code>{}</code>{star}<td>{}<td>{}",
            escape(name),
            kind(property),
            described.map(inline_of).unwrap_or_default()
        );
    }
    page.push_str("</table>");
}

/// A type in a few words, with a link where it has a name.
fn kind(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        let name = escape(target.rsplit('/').next().unwrap_or_default());
        return format!("<a href=#type-{name}>{name}</a>");
    }
    if let Some(all) = schema["oneOf"].as_array() {
        return all.iter().map(kind).filter(|k| k != "null").collect::<Vec<_>>().join(" or ");
    }
    if let Some(all) = schema["enum"].as_array() {
        let names: Vec<String> = all.iter().map(|v| format!("<code>{}</code>", text(v))).collect();
        return names.join(" ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) => escape(name),
        Value::Array(all) => {
            let named: Vec<String> = all.iter().map(text).filter(|n| n != "null").collect();
            named.join(" or ")
        }
        _ => String::new(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => escape(text),
        Value::Null => String::new(),
        other => escape(&other.to_string()),
    }
}

fn inline_of(value: &Value) -> String {
    inline(value.as_str().unwrap_or_default())
}

/// Paragraphs, and lists whose items begin with `* `.
fn prose(source: &str) -> String {
    let mut made = String::new();
    for paragraph in source.split("\n\n") {
        match paragraph.strip_prefix("* ") {
            Some(list) => {
                let items: String = list.split("\n* ").map(|item| format!("<li>{}", inline(item))).collect();
                let _ = write!(made, "<ul>{items}</ul>");
            }
            None => {
                let _ = write!(made, "<p>{}</p>", inline(paragraph));
            }
        }
    }
    made
}

/// The little of Markdown that our texts use: `code` and **bold**.
fn inline(source: &str) -> String {
    let toggle = |text: &str, mark: &str, tag: &str| {
        let parts: Vec<&str> = text.split(mark).collect();
        let mut made = String::new();
        for (index, part) in parts.iter().enumerate() {
            match index % 2 {
                1 if index + 1 < parts.len() => {
                    let _ = write!(made, "<{tag}>{part}</{tag}>");
                }
                1 => {
                    let _ = write!(made, "{mark}{part}");
                }
                _ => made.push_str(part),
            }
        }
        made
    };
    toggle(&toggle(&escape(source), "`", "code"), "**", "strong")
}

fn escape(source: &str) -> String {
    source.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_operation_reason_and_type() {
        for route in api::routes() {
            assert!(page().contains(&format!("<h3 id={}>", route.id)), "{}", route.id);
        }
        for reason in api::Reason::ALL {
            assert!(page().contains(&format!("<tr id={}>", reason.as_str())));
        }
        for name in api::schemas().keys() {
            assert!(page().contains(&format!("<h3 id=type-{name}>")));
        }
        // Nothing is loaded or led to from elsewhere; addresses are in examples only.
        for outside in ["<script", "<link", "<img", "src=", "url(", "@import", "href=h", "href=//", "href=\""] {
            assert!(!page().contains(outside), "{outside}");
        }
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(inline("a `<b>` & **c**"), "a <code>&lt;b&gt;</code> &amp; <strong>c</strong>");
        assert_eq!(inline("one ` only"), "one ` only");
    }
}
