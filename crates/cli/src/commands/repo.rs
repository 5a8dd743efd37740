//! `repo`, and of it `list` and `remove`, as Helm 4.3: `pkg/cmd/repo.go`, `pkg/cmd/repo_list.go`, `pkg/cmd/repo_remove.go`.

use std::time::Duration;

use chart::text::{io_error, quote};
use depot::{Guard, Home, Repositories, cache_files};
use serde::Serialize;

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::depots;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, OUTPUT};
use crate::output::print;
use crate::show;
use crate::table::table;

use super::{repo_add, repo_index, repo_update};

/// How long another command is waited for that changes the list (as Helm 4.3: `pkg/cmd/repo_add.go`).
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

static LIST_FLAGS: Group = Group { title: "", flags: &[Flag::switch("no-headers", "leave the headings out")] };

static LIST: Command = Command {
    name: "list",
    aliases: &["ls"],
    usage: "list",
    about: "list chart repositories",
    long: "Lists the chart repositories that were added, in that order.",
    examples: &["whipstaff repo list", "whipstaff repo list -o json"],
    flags: &[&LIST_FLAGS, &OUTPUT],
    run: Some(list),
    ..PLAIN
};

static REMOVE: Command = Command {
    name: "remove",
    aliases: &["rm"],
    usage: "remove [REPO1 [REPO2 ...]]",
    about: "forget chart repositories",
    long: "Takes chart repositories from the list, and what is cached of them.",
    examples: &["whipstaff repo remove bitnami"],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Repositories],
    run: Some(remove),
    ..PLAIN
};

pub(crate) static COMMAND: Command = Command {
    name: "repo",
    usage: "repo",
    about: "add, list, update and remove chart repositories, and make their indexes",
    long: "A chart repository is a web server with packed charts and an index of them, `index.yaml`. The repositories that\n\
           were added have short names: `whipstaff install shop bitnami/nginx` installs a chart of one. Helm keeps the list\n\
           in the same file and the indexes in the same cache, so either may be used for what the other has added.",
    examples: &[
        "whipstaff repo add bitnami https://charts.bitnami.com/bitnami",
        "whipstaff repo update",
        "whipstaff search repo nginx",
        "whipstaff pull bitnami/nginx --version ^15",
    ],
    below: &[&repo_add::COMMAND, &LIST, &REMOVE, &repo_index::COMMAND, &repo_update::COMMAND],
    ..PLAIN
};

/// A repository as it is listed.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    url: &'a str,
}

fn list(call: &Call) -> Outcome {
    // What cannot be read lists nothing, as in Helm.
    let file = Repositories::read(&depots::home(call).repositories).unwrap_or_default();
    let lines: Vec<Line<'_>> = file.list().iter().map(|known| Line { name: &known.name, url: &known.url }).collect();
    if lines.is_empty() && call.flags.text("output") == "table" {
        eprintln!("no repositories to show");
        return Ok(());
    }
    show::formatted(call, &lines, |lines| {
        let mut rows = Vec::new();
        if !call.flags.on("no-headers") {
            rows.push(["NAME", "URL"].map(str::to_owned).to_vec());
        }
        rows.extend(lines.iter().map(|line| vec![line.name.to_owned(), line.url.to_owned()]));
        Ok(table(&rows, 0) + "\n")
    })
}

/// Reads the list to be changed.
fn read(home: &Home) -> Outcome<Repositories> {
    let file = match Repositories::read(&home.repositories) {
        Err(error) if !error.is_missing() => return Err(error.into()),
        file => file.unwrap_or_default(),
    };
    if file.list().is_empty() {
        fail!("no repositories configured");
    }
    match &file.problem {
        // To write what could be read of it would lose the rest.
        Some(problem) => fail!("failed loading file: {}: {problem}", home.repositories.display()),
        None => Ok(file),
    }
}

fn remove(call: &Call) -> Outcome {
    let home = depots::home(call);
    read(&home)?;
    let _guard = Guard::take(&home.repositories, PATIENCE)?;
    let mut file = read(&home)?;
    for name in &call.args {
        if !file.remove(name) {
            fail!("no repo named {} found", quote(name));
        }
        file.write(&home.repositories)?;
        if let Ok(cached) = cache_files(&home.cache, name) {
            // Nobody misses these.
            let _ = std::fs::remove_file(&cached.charts);
            let _ = std::fs::remove_file(&cached.side);
            match std::fs::remove_file(&cached.index) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let path = cached.index.display();
                    return Err(Fail::new(format!("can't remove index file {path}: {}", io_error(&error))));
                }
                _ => {}
            }
        }
        print(&format!("{} has been removed from your repositories\n", quote(name)))?;
    }
    Ok(())
}
