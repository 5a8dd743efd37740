//! Template functions against Helm: `data/snippets.txt` has the templates, `data/snippets.jsonl` what Helm makes of them.
//!
//! `WHIPSTAFF_ORACLE=/path/to/helm-oracle cargo test -p whipstaff-render --test functions` writes the second file anew.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use common::snippets::{ask_helm, ask_ours};
use gotext::Function;
use render::functions::FAMILIES;
use serde_json::Value as Json;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn snippets() -> Vec<String> {
    let text = std::fs::read_to_string(data("snippets.txt")).unwrap();
    text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(str::to_owned).collect()
}

#[test]
fn functions_do_what_helm_does() {
    let snippets = snippets();
    if let Ok(oracle) = std::env::var("WHIPSTAFF_ORACLE") {
        let lines: String = ask_helm(&oracle, &snippets).iter().map(|a| a.to_string() + "\n").collect();
        std::fs::write(data("snippets.jsonl"), lines).unwrap();
    }
    let text = std::fs::read_to_string(data("snippets.jsonl")).unwrap();
    let expected: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(expected.len(), snippets.len(), "set WHIPSTAFF_ORACLE to write snippets.jsonl anew");
    let mut wrong = 0;
    for (snippet, want) in snippets.iter().zip(&expected) {
        let got = ask_ours(snippet);
        if got != *want {
            wrong += 1;
            println!("{snippet}\n  helm {want}\n  ours {got}");
        }
    }
    println!("functions: {} of {} snippets identical", snippets.len() - wrong, snippets.len());
    assert_eq!(wrong, 0);
}

#[test]
fn every_function_of_helm_is_there() {
    let all = render::functions::all();
    assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name), "two functions of one name");
    assert!(all.iter().all(|f| f.doc.ends_with('.')), "a function without documentation");
    let text = std::fs::read_to_string(data("helm-functions.txt")).unwrap();
    let helms: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let ours: BTreeSet<&str> = all.iter().map(|function| function.name).collect();
    assert_eq!(ours, helms);
}

/// The page on the functions, made from the table.
fn page() -> String {
    let mut page = String::from(
        "# Template functions\n\n\
         All of Sprig 3.3 and Helm 4.3.1's own, made from the table in `crates/render/src/functions` by `cargo xtask functions`.\n\
         The types are Go's, as error texts name them; `...` takes any number of arguments. Go's own functions (`and`, `call`, `eq`,\n\
         `ge`, `gt`, `html`, `index`, `js`, `le`, `len`, `lt`, `ne`, `not`, `or`, `print`, `printf`, `println`, `slice`, `urlquery`) are\n\
         there too. `env` and `expandenv` are not, as in Helm; `getHostByName` asks nobody unless `--enable-dns` is given, and on the\n\
         server never; a `must…` ends the render where the function without it gives nothing.\n",
    );
    for family in FAMILIES {
        page.push_str(&format!("\n## {}\n\n| function | what it does |\n|---|---|\n", family.name));
        let mut functions: Vec<&Function> = family.functions.iter().collect();
        functions.sort_by_key(|function| function.name);
        for function in functions {
            let fixed = function.params.iter().map(|kind| kind.name().to_owned());
            let rest = function.variadic.map(|kind| format!("...{}", kind.name()));
            let params: Vec<String> = fixed.chain(rest).map(|name| name.replace("interface {}", "any")).collect();
            let signature = [vec![function.name.to_owned()], params].concat().join(" ");
            page.push_str(&format!("| `{signature}` | {} |\n", function.doc.replace('|', "\\|")));
        }
    }
    page
}

/// `WHIPSTAFF_BLESS=1` writes it anew.
#[test]
fn the_page_that_is_checked_in_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/functions.md");
    if std::env::var_os("WHIPSTAFF_BLESS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(checked_in == page(), "docs/functions.md is stale: run `cargo xtask functions`");
}
