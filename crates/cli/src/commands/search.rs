//! `search`, as Helm 4.3: `pkg/cmd/search_repo.go`, `pkg/cmd/search_hub.go`.

use std::cell::RefCell;

use chart::semver::{Constraints, Version};
use depot::oci::Reference;
use depot::{Error, Hit, Index, Matcher, Repositories, hub};
use gotext::regexp;
use serde::Serialize;

use crate::command::{Arity, Call, Command, PLAIN};
use crate::depots;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind, OUTPUT, REGISTRY, go_int};
use crate::log::{Level, log};
use crate::show;
use crate::source::is_in_registry;
use crate::table::table;

static REPO_FLAGS: Group = Group {
    title: "Search",
    flags: &[
        Flag::switch("regexp", "the words are a regular expression").short('r'),
        Flag::switch("versions", "show every version, not the newest alone").short('l'),
        Flag::switch("devel", "pre-releases too (--version '>0.0.0-0')"),
        Flag::text("version", "RANGE", "only versions of this range (1.2.3, ^2.0.0)"),
        Flag::switch("fail-on-no-result", "fail when there is nothing"),
        Flag::of(Kind::Uint, "max-col-width", "N", "cut columns that are wider; 0 cuts none").or("50"),
    ],
};

static HUB_FLAGS: Group = Group {
    title: "Search",
    flags: &[
        Flag::text("endpoint", "URL", "the hub to ask").or("https://hub.helm.sh"),
        Flag::switch("list-repo-url", "show where the repositories are"),
        Flag::switch("fail-on-no-result", "fail when there is nothing"),
        Flag::of(Kind::Uint, "max-col-width", "N", "cut columns that are wider; 0 cuts none").or("50"),
    ],
};

static REPO: Command = Command {
    name: "repo",
    usage: "repo [WORDS]",
    about: "search the chart repositories that were added",
    long: "Searches names, descriptions and keywords in the cached indexes of the chart repositories; without words it shows\n\
           everything. What has the words in its name comes first. Only `repo update` asks the repositories themselves.\n\n\
           With `oci://host/path/name` it shows what a registry has of that chart: the newest version and what its Chart.yaml\n\
           says, or with --versions every one, by its tag alone. Helm cannot do that.",
    examples: &[
        "whipstaff search repo nginx",
        "whipstaff search repo nginx --versions --version '^15'",
        "whipstaff search repo --regexp '^nginx\\v' -o json",
        "whipstaff search repo oci://registry.example.com/charts/nginx --versions",
    ],
    arity: Arity::Any,
    flags: &[&REPO_FLAGS, &REGISTRY, &OUTPUT],
    run: Some(repo),
    ..PLAIN
};

static HUB: Command = Command {
    name: "hub",
    usage: "hub [WORDS]",
    about: "search Artifact Hub, or a hub of your own",
    long: "Asks a hub of charts, Artifact Hub unless --endpoint says otherwise. The URL of a result is its page, which says how\n\
           its repository is added.",
    examples: &["whipstaff search hub postgres --max-col-width 80", "whipstaff search hub --list-repo-url redis"],
    arity: Arity::Any,
    flags: &[&HUB_FLAGS, &OUTPUT],
    run: Some(hub_search),
    ..PLAIN
};

pub(crate) static COMMAND: Command = Command {
    name: "search",
    usage: "search",
    about: "search for charts",
    long: "Searches for charts: in the chart repositories that were added, or on a hub.",
    below: &[&HUB, &REPO],
    ..PLAIN
};

/// Name, version, version of what is in it, description.
type Row = [String; 4];

/// A chart as it is shown.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    version: &'a str,
    app_version: &'a str,
    description: &'a str,
}

fn repo(call: &Call) -> Outcome {
    let version = call.flags.text("version");
    call.debug("original chart version", &[("version", version)]);
    let version = match (version, call.flags.on("devel")) {
        ("", true) => ">0.0.0-0",
        ("", false) => ">0.0.0",
        (given, _) => given,
    };
    if call.flags.text("version").is_empty() {
        call.debug(&format!("setting version to {version}"), &[]);
    }
    if let [reference] = call.args.as_slice()
        && is_in_registry(reference)
    {
        return shown(call, &in_registry(call, reference, version)?);
    }
    let indexes = indexes(call)?;
    let words = call.args.join(" ");
    let hits = match (call.args.is_empty(), call.flags.on("regexp")) {
        (true, _) => depot::search(&indexes, &Matcher::All),
        (false, false) => depot::search(&indexes, &Matcher::Text(&words)),
        (false, true) => matching(&indexes, &words)?,
    };
    let hits = depot::constrained(hits, version, call.flags.on("versions"))?;
    let line = |hit: &'_ Hit<'_>| -> Row {
        let version = hit.version;
        [&hit.name, version.version(), version.app_version(), version.description()].map(str::to_owned)
    };
    let rows: Vec<Row> = hits.iter().map(line).collect();
    shown(call, &rows)
}

/// Prints what was found.
fn shown(call: &Call, rows: &[Row]) -> Outcome {
    if rows.is_empty() && call.flags.on("fail-on-no-result") {
        fail!("no results found");
    }
    let lines: Vec<Line<'_>> = rows
        .iter()
        .map(|[name, version, app_version, description]| Line { name, version, app_version, description })
        .collect();
    show::formatted(call, &lines, |_| {
        Ok(in_columns(
            call,
            &["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"],
            rows.iter().map(|row| row.to_vec()),
        ))
    })
}

/// What a registry has of a chart, the newest first. What a version's Chart.yaml says takes two requests, so that is asked
/// for when only one is shown.
fn in_registry(call: &Call, reference: &str, version: &str) -> Outcome<Vec<Row>> {
    let range = Constraints::parse(version)
        .map_err(|error| Fail::new(format!("an invalid version/constraint format: {error}")))?;
    let place = Reference::parse(reference)?;
    if !place.tag.is_empty() || !place.digest.is_empty() {
        fail!("{} is one version: leave its tag or digest out, and use --version", chart::text::quote(reference));
    }
    let registry = depots::registry(call, depots::access(call));
    let fits = |version: &String| Version::parse(version).is_ok_and(|version| range.check(&version));
    let mut versions = registry.versions(&place)?.into_iter().filter(fits);
    if call.flags.on("versions") {
        return Ok(versions.map(|version| [reference.to_owned(), version, String::new(), String::new()]).collect());
    }
    let Some(newest) = versions.next() else { return Ok(Vec::new()) };
    let metadata = registry.metadata(&registry.find(reference, &newest)?)?;
    Ok(vec![[reference.to_owned(), newest, metadata.app_version, metadata.description]])
}

/// The cached indexes of all repositories; what cannot be read is told and left out.
fn indexes(call: &Call) -> Outcome<Vec<(String, Index)>> {
    let home = depots::home(call);
    let file = match Repositories::read(&home.repositories) {
        Err(error) if !error.is_missing() => return Err(error.into()),
        file => file.unwrap_or_default(),
    };
    if file.list().is_empty() {
        fail!("no repositories configured");
    }
    let mut indexes = Vec::new();
    for known in file.list() {
        match depot::open_index(&home.cache, &known.name) {
            Ok(index) => {
                let path = depot::cache_files(&home.cache, &known.name)?.index;
                depots::tell_skipped(&index, &path.to_string_lossy());
                indexes.push((known.name.clone(), index));
            }
            Err(error) => {
                let error = error.to_string();
                log(Level::Warn, "repo is corrupt or missing", &[("repo", &known.name), ("error", &error)]);
            }
        }
    }
    Ok(indexes)
}

/// Finds what matches a regular expression of Go.
fn matching<'a>(indexes: &'a [(String, Index)], expression: &str) -> Outcome<Vec<Hit<'a>>> {
    regexp::check(expression.as_bytes()).map_err(Error::Text)?;
    let (cache, arena) = (RefCell::new(regexp::Cache::default()), gotext::Arena::default());
    let find = |line: &str| {
        let compiled = cache.borrow_mut().compile(expression.as_bytes(), line.as_bytes()).ok()?;
        compiled.find_all(&arena, line.as_bytes(), 1).first().map(|span| span.start)
    };
    Ok(depot::search(indexes, &Matcher::Finds(&find)))
}

fn in_columns(call: &Call, headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut all = vec![headings.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()];
    all.extend(rows.map(|cells| cells.iter().map(|cell| clean(cell)).collect()));
    if all.len() == 1 {
        return "No results found\n".to_owned();
    }
    let width = go_int(call.flags.text("max-col-width")).and_then(|width| width.try_into().ok()).unwrap_or(50);
    table(&all, width) + "\n"
}

/// A chart of a hub as it is shown.
#[derive(Serialize)]
struct Listed<'a> {
    url: &'a str,
    version: &'a str,
    app_version: &'a str,
    description: &'a str,
    repository: Home<'a>,
}

#[derive(Serialize)]
struct Home<'a> {
    url: &'a str,
    name: &'a str,
}

fn hub_search(call: &Call) -> Outcome {
    let endpoint = call.flags.text("endpoint");
    let found = match hub::search(endpoint, &call.args.join(" "), &depots::fetcher(None))? {
        Ok(found) => found,
        Err(error) => {
            call.debug("search failed", &[("error", &error.to_string())]);
            fail!("unable to perform search against {}", chart::text::quote(&depot::redacted(endpoint)));
        }
    };
    if found.is_empty() && call.flags.on("fail-on-no-result") {
        fail!("no results found");
    }
    let lines: Vec<Listed<'_>> = found
        .iter()
        .map(|one| Listed {
            url: &one.url,
            version: &one.version,
            app_version: &one.app_version,
            description: &one.description,
            repository: Home { url: &one.repository_url, name: &one.repository_name },
        })
        .collect();
    show::formatted(call, &lines, |lines| {
        let with_url = call.flags.on("list-repo-url");
        let columns = if with_url { 5 } else { 4 };
        let headings = ["URL", "CHART VERSION", "APP VERSION", "DESCRIPTION", "REPO URL"];
        let rows = lines.iter().map(|line| {
            let cells = [line.url, line.version, line.app_version, line.description, line.repository.url];
            cells.iter().take(columns).map(|cell| (*cell).to_owned()).collect()
        });
        Ok(in_columns(call, headings.get(..columns).unwrap_or(&headings), rows))
    })
}

/// What a stranger says, without what would drive a terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}
