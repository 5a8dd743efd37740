//! `src/merge/types.txt` is made from the types of the sandbox, and has to be what they say.
//!
//! With `WHIPSTAFF_WRITE=1` the test writes the file instead. The group versions (`V`) are client-go's and stay as they are.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A field of a type that a strategic merge has to know: its name, its type, its marks.
type Field = (String, Option<String>, Vec<String>);

/// The types that lead to something special, by their names, and the kinds that are of such a type.
fn special(text: &str) -> (BTreeMap<String, Vec<Field>>, BTreeMap<String, String>) {
    let (mut types, mut kinds, mut inside) = (BTreeMap::<String, Vec<&str>>::new(), BTreeMap::new(), String::new());
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("T ") {
            let mut words = head.split(' ');
            inside = words.next().unwrap().to_owned();
            types.insert(inside.clone(), Vec::new());
            kinds.extend(words.filter_map(|word| Some((word.strip_prefix("gvk=")?.to_owned(), inside.clone()))));
        } else if let Some(field) = line.strip_prefix(' ') {
            types.get_mut(&inside).unwrap().push(field.trim_start());
        }
    }
    let named = |shape: &str, package: &str| {
        let shape = shape.trim_start_matches("[]").trim_start_matches("{}");
        [format!("{package}.{shape}"), shape.to_owned()].into_iter().find(|name| types.contains_key(name))
    };
    let fields: BTreeMap<String, Vec<Field>> = types
        .iter()
        .map(|(name, lines)| {
            let package = name.rsplit_once('.').map_or("", |(package, _)| package);
            let field = |line: &&str| {
                let words: Vec<&str> = line.split(' ').collect();
                let is_mark = |word: &&&str| word.starts_with("merge=") || ["retainKeys", "replace"].contains(*word);
                let marks: Vec<String> = words[3..].iter().filter(is_mark).map(|word| (*word).to_owned()).collect();
                // The items of a list that does not merge are never looked into.
                let through = !words[2].starts_with("[]") || marks.iter().any(|mark| mark.starts_with("merge="));
                (words[0].to_owned(), named(words[2], package).filter(|_| through), marks)
            };
            (name.clone(), lines.iter().map(field).collect())
        })
        .collect();
    let mut useful = BTreeSet::<String>::new();
    loop {
        let leads = |(_, ty, marks): &Field| !marks.is_empty() || ty.as_ref().is_some_and(|ty| useful.contains(ty));
        let next: BTreeSet<String> =
            fields.iter().filter(|(_, fields)| fields.iter().any(leads)).map(|(name, _)| name.clone()).collect();
        if next == useful {
            break;
        }
        useful = next;
    }
    let keep = |(name, ty, marks): &Field| {
        let ty = ty.clone().filter(|ty| useful.contains(ty));
        (ty.is_some() || !marks.is_empty()).then(|| (name.clone(), ty, marks.clone()))
    };
    let kept: BTreeMap<String, Vec<Field>> = fields
        .iter()
        .filter(|(name, _)| useful.contains(*name))
        .map(|(name, fields)| (name.clone(), fields.iter().filter_map(keep).collect()))
        .collect();
    kinds.retain(|kind, ty: &mut String| {
        let more = kept.get(ty).is_some_and(|fields| fields.iter().any(|(name, ..)| name != "metadata"));
        more && !ty.ends_with("List") && !kind.starts_with("apiregistration")
    });
    (kept, kinds)
}

/// The table after its group versions.
fn table(text: &str) -> String {
    let (types, kinds) = special(text);
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<String> = kinds.values().cloned().chain(["meta.v1.ObjectMeta".to_owned()]).collect();
    while let Some(name) = ahead.pop() {
        if reached.insert(name.clone()) {
            ahead.extend(types[&name].iter().filter_map(|(_, ty, _)| ty.clone()));
        }
    }
    let mut out: String = kinds.iter().map(|(kind, ty)| format!("K {kind} {ty}\n")).collect();
    for name in reached {
        out.push_str(&format!("T {name}\n"));
        for (field, ty, marks) in &types[&name] {
            let words = [field.as_str(), ty.as_deref().unwrap_or("-")];
            let words: Vec<&str> = words.into_iter().chain(marks.iter().map(String::as_str)).collect();
            out.push_str(&format!(" {}\n", words.join(" ")));
        }
    }
    out
}

#[test]
fn the_table_is_what_the_types_say() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = here.join("src/merge/types.txt");
    let types = std::fs::read_to_string(here.join("../sandbox/src/schema/kinds.txt")).unwrap();
    let stored = std::fs::read_to_string(&path).unwrap();
    let head: String =
        stored.lines().take_while(|line| line.starts_with(['#', 'V'])).map(|line| format!("{line}\n")).collect();
    let want = head + &table(&types);
    if std::env::var_os("WHIPSTAFF_WRITE").is_some() {
        std::fs::write(&path, &want).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), want, "run it with WHIPSTAFF_WRITE=1");
}
