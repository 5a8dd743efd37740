//! Does what `repo update` and `search repo` do, and prints how long that took and how much memory: `measure FOLDER URL`
//! fetches the index at a URL into a folder, `measure FOLDER` searches it.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it is a tool to measure with")]

use std::path::Path;
use std::time::{Duration, Instant};

use depot::{Fetcher, Matcher, Refreshed, Repository};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(arguments.first().map_or(".", String::as_str));
    let begun = Instant::now();
    let done = match arguments.get(1) {
        Some(url) => {
            let repository = Repository { name: "r".to_owned(), url: url.clone(), ..Repository::default() };
            let fetcher = Fetcher::new("measure", Duration::from_secs(120), None);
            match depot::refresh(folder, &repository, &fetcher).unwrap() {
                Refreshed::Same => "unchanged".to_owned(),
                Refreshed::New(index) => format!("{} charts", index.names().count()),
            }
        }
        None => {
            let indexes = [("r".to_owned(), depot::open_index(folder, "r").unwrap())];
            let hits = depot::search(&indexes, &Matcher::Text("proxy"));
            format!("{} found", depot::constrained(hits, ">0.0.0", false).unwrap().len())
        }
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned();
    println!("{done}: {} ms, {}", begun.elapsed().as_millis(), peak.split_whitespace().collect::<Vec<_>>().join(" "));
}
