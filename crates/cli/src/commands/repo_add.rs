//! `repo add`, as Helm 4.3: `pkg/cmd/repo_add.go`.

use std::io::{BufRead, IsTerminal, Read};

use chart::text::quote;
use depot::{Guard, Refreshed, Repositories, Repository};

use super::repo::PATIENCE;
use crate::command::{Arity, Call, Command, PLAIN};
use crate::depots;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind, go_span};
use crate::output::print;

/// Repositories that are gone for good, and where their charts are now.
const GONE: [(&str, &str); 2] = [
    ("//kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("//kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
];

/// The longest password that is read.
pub(super) const LONGEST: u64 = 64 << 10;

static FLAGS: Group = Group {
    title: "Repository",
    flags: &[
        Flag::text("username", "NAME", "the user at the repository"),
        Flag::text(
            "password",
            "TEXT",
            "the user's password; others on this machine may see it, --password-stdin hides it",
        ),
        Flag::switch("password-stdin", "read the password from standard input"),
        Flag::switch("pass-credentials", "send user and password to every host that the repository leads to"),
        Flag::text("ca-file", "FILE", "the authority that signed the repository's certificate"),
        Flag::text("cert-file", "FILE", "our certificate for the repository"),
        Flag::text("key-file", "FILE", "the key of that certificate"),
        Flag::switch("insecure-skip-tls-verify", "do not check the repository's certificate"),
        Flag::switch("force-update", "replace the repository of that name"),
        Flag::switch("allow-deprecated-repos", "add it even when it is known to be gone for good"),
        Flag::of(Kind::Duration, "timeout", "TIME", "how long to wait for the index").or("2m0s"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "add",
    usage: "add [NAME] [URL]",
    about: "add a chart repository",
    long: "Fetches the index of a chart repository, and adds it to the list under a name of your own. User and password are\n\
           kept in the list, which only you can read; they are sent to the repository's scheme, host and port and to nobody\n\
           else.",
    examples: &[
        "whipstaff repo add bitnami https://charts.bitnami.com/bitnami",
        "whipstaff repo add ours https://charts.example.com --username ci --password-stdin < password.txt",
    ],
    arity: Arity::Exactly(2),
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let [name, url] = call.args.as_slice() else { fail!("a name and a URL are needed") };
    if !call.flags.on("allow-deprecated-repos")
        && let Some((_, instead)) = GONE.iter().find(|(gone, _)| url.contains(gone))
    {
        fail!("repo {} is no longer available; try {} instead", quote(url), quote(instead));
    }
    let home = depots::home(call);
    // The lock is not held while the index is fetched, so that others need not wait for a slow server.
    drop(Guard::take(&home.repositories, PATIENCE)?);
    let file = Repositories::read_or_new(&home.repositories)?;
    let access = depots::access(call);
    let password = match (access.username.is_empty(), access.password.is_empty()) {
        (false, true) => password(call)?,
        _ => access.password,
    };
    let wanted = Repository {
        name: name.clone(),
        url: url.clone(),
        username: access.username,
        password,
        cert_file: call.flags.text("cert-file").to_owned(),
        key_file: call.flags.text("key-file").to_owned(),
        ca_file: call.flags.text("ca-file").to_owned(),
        insecure_skip_tls_verify: access.insecure,
        pass_credentials_all: access.pass_everywhere,
    };
    if name.contains('/') {
        fail!("repository name ({name}) contains '/', please specify a different name without '/'");
    }
    if is_there(call, &file, &wanted)? {
        return print(&format!("{} already exists with the same configuration, skipping\n", quote(name)));
    }
    fetch(call, &wanted)?;
    let _guard = Guard::take(&home.repositories, PATIENCE)?;
    let mut file = Repositories::read_or_new(&home.repositories)?;
    is_there(call, &file, &wanted)?;
    file.put(wanted);
    file.write(&home.repositories)?;
    print(&format!("{} has been added to your repositories\n", quote(name)))
}

/// Whether the repository is there just so; another one of its name is an error.
fn is_there(call: &Call, file: &Repositories, wanted: &Repository) -> Outcome<bool> {
    match file.get(&wanted.name) {
        Some(_) if call.flags.on("force-update") => Ok(false),
        None => Ok(false),
        Some(known) if known == wanted => Ok(true),
        Some(_) => {
            fail!("repository name ({}) already exists, please specify a different name", wanted.name)
        }
    }
}

fn fetch(call: &Call, wanted: &Repository) -> Outcome {
    let fetcher = depots::fetcher(go_span(call.flags.text("timeout")));
    match super::repo_update::fetch(&depots::home(call), wanted, &fetcher) {
        Ok(Refreshed::New(index)) => depots::tell_skipped(&index, &wanted.url),
        Ok(Refreshed::Same) => {}
        Err(error @ depot::Error::Scheme(_)) => return Err(error.into()),
        Err(error) => fail!(
            "looks like {} is not a valid chart repository or cannot be reached: {error}",
            quote(&depot::redacted(&wanted.url))
        ),
    }
    Ok(())
}

/// Reads the password that no flag says.
fn password(call: &Call) -> Outcome<String> {
    let mut text = String::new();
    if call.flags.on("password-stdin") {
        std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        return Ok(text.strip_suffix('\r').unwrap_or(text).to_owned());
    }
    print("Password: ")?;
    let read = hidden(&mut text);
    print("\n")?;
    read?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// Reads a line that is not shown on the terminal.
#[cfg(unix)]
pub(super) fn hidden(into: &mut String) -> Outcome {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Fail::new("inappropriate ioctl for device"));
    }
    let before = tcgetattr(&stdin)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &quiet)?;
    let read = stdin.lock().take(LONGEST).read_line(into);
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    read?;
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn hidden(_: &mut String) -> Outcome {
    Err(Fail::new("a password cannot be asked for here: use --password-stdin"))
}
