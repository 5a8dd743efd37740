//! `repo update`, as Helm 4.3: `pkg/cmd/repo_update.go`.

use chart::text::quote;
use depot::{Error, Fetcher, Home, Refreshed, Repositories, Repository, Turn, each};

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::depots;
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group, Kind, go_span};
use crate::output::print;

/// How many repositories are fetched at once.
const AT_ONCE: usize = 8;

static FLAGS: Group = Group {
    title: "",
    flags: &[Flag::of(Kind::Duration, "timeout", "TIME", "how long to wait for an index").or("2m0s")],
};

pub(crate) static COMMAND: Command = Command {
    name: "update",
    aliases: &["up"],
    usage: "update [REPO1 [REPO2 ...]]",
    about: "fetch the newest indexes of chart repositories",
    long: "Fetches the indexes of all chart repositories, or of those that are named, into the cache, where `search repo` and\n\
           all that takes `repo/chart` look. An index that has not changed since (ETag, Last-Modified) is not sent again. When\n\
           one cannot be had, the others are still updated, and the one that was there stays.",
    examples: &["whipstaff repo update", "whipstaff repo update bitnami"],
    arity: Arity::Any,
    takes: &[Takes::Repositories],
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

/// Fetches the index of a repository.
pub(super) fn fetch(home: &Home, repository: &Repository, fetcher: &Fetcher) -> Result<Refreshed, Error> {
    depot::check_scheme(&repository.url)?;
    depot::refresh(&home.cache, repository, fetcher)
}

fn run(call: &Call) -> Outcome {
    const NONE: &str = "no repositories found. You must add one before updating";
    let home = depots::home(call);
    let file = match Repositories::read(&home.repositories) {
        Err(error) if error.is_missing() => fail!("{NONE}"),
        Err(error) => fail!("failed loading file: {}: {error}", home.repositories.display()),
        Ok(file) => file,
    };
    if let Some(problem) = &file.problem {
        fail!("failed loading file: {}: {problem}", home.repositories.display());
    }
    if file.list().is_empty() {
        fail!("{NONE}");
    }
    if let Some(unknown) = call.args.iter().find(|name| file.get(name).is_none()) {
        fail!("no repositories found matching '{unknown}'.  Nothing will be updated");
    }
    let is_wanted = |known: &&Repository| call.args.is_empty() || call.args.contains(&known.name);
    let wanted: Vec<&Repository> = file.list().iter().filter(is_wanted).collect();
    for known in &wanted {
        depot::check_scheme(&known.url)?;
    }
    print("Hang tight while we grab the latest from your chart repositories...\n")?;
    let fetcher = depots::fetcher(go_span(call.flags.text("timeout")));
    let mut failed = Vec::new();
    each(
        &wanted,
        AT_ONCE,
        |known| fetch(&home, known, &fetcher),
        |known, turn| {
            let Turn::Done(result) = turn else { return Ok(()) };
            let name = quote(&known.name);
            let url = depot::redacted(&known.url);
            match result {
                Ok(refreshed) => {
                    if let Refreshed::New(index) = &refreshed {
                        depots::tell_skipped(index, &url);
                    }
                    print(&format!("...Successfully got an update from the {name} chart repository\n"))
                }
                Err(error) => {
                    failed.push(url.clone());
                    print(&format!("...Unable to get an update from the {name} chart repository ({url}):\n\t{error}\n"))
                }
            }
        },
    )?;
    if !failed.is_empty() {
        fail!("failed to update the following repositories: [{}]", failed.join(" "));
    }
    print("Update Complete. ⎈Happy Helming!⎈\n")
}
