//! One file per verb.

pub(crate) mod completion;
pub(crate) mod create;
pub(crate) mod dependency;
pub(crate) mod diff;
pub(crate) mod dry_run;
pub(crate) mod env;
pub(crate) mod get;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod install;
pub(crate) mod key;
pub(crate) mod lint;
pub(crate) mod list;
mod migrate;
pub(crate) mod operation;
pub(crate) mod package;
mod pull;
mod push;
mod registry;
mod repo;
mod repo_add;
mod repo_index;
mod repo_update;
pub(crate) mod rollback;
pub(crate) mod sandbox;
mod search;
pub(crate) mod serve;
pub(crate) mod serve_auth;
mod serve_clusters;
mod serve_repositories;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod test;
mod tiller;
pub(crate) mod uninstall;
pub(crate) mod unlock;
pub(crate) mod upgrade;
pub(crate) mod verify;
pub(crate) mod version;

use crate::command::{Arity, Command, PLAIN};

/// The program.
pub(crate) static ROOT: Command = Command {
    name: "whipstaff",
    about: "Helm as an HTTP API, and Helm's own commands",
    long: "Helm as an HTTP API, and Helm's own commands.\n\n\
           `serve` answers over HTTP what Helm does on a command line. The other commands take Helm's flags, print\n\
           what Helm prints, byte for byte, and end with its exit codes, so a script may call either.",
    examples: &[
        "whipstaff serve --sandbox",
        "whipstaff template shop ./mychart -f prod.yaml",
        "whipstaff lint ./mychart",
    ],
    arity: Arity::Any,
    below: &[
        &serve::COMMAND,
        &sandbox::COMMAND,
        &tiller::COMMAND,
        &key::COMMAND,
        &install::COMMAND,
        &upgrade::COMMAND,
        &rollback::COMMAND,
        &uninstall::COMMAND,
        &test::COMMAND,
        &unlock::COMMAND,
        &list::COMMAND,
        &status::COMMAND,
        &history::COMMAND,
        &get::COMMAND,
        &diff::COMMAND,
        &operation::COMMAND,
        &migrate::COMMAND,
        &create::COMMAND,
        &repo::COMMAND,
        &search::COMMAND,
        &pull::COMMAND,
        &push::COMMAND,
        &registry::COMMAND,
        &dependency::COMMAND,
        &show::COMMAND,
        &lint::COMMAND,
        &package::COMMAND,
        &verify::COMMAND,
        &template::COMMAND,
        &completion::COMMAND,
        &env::COMMAND,
        &version::COMMAND,
        &help::COMMAND,
    ],
    ..PLAIN
};
