//! `registry login` and `registry logout`, as Helm 4.3: `pkg/cmd/registry_login.go`, `pkg/cmd/registry_logout.go`.

use std::io::Read;

use depot::Access;
use depot::oci::Credential;

use super::repo_add::{LONGEST, hidden};
use crate::command::{Arity, Call, Command, PLAIN};
use crate::depots;
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group};
use crate::log::{Level, log};
use crate::output::print;

static LOGIN_FLAGS: Group = Group {
    title: "Login",
    flags: &[
        Flag::text("username", "NAME", "the user at the registry").short('u'),
        Flag::text("password", "TEXT", "the password or token, which others may see on the command line").short('p'),
        Flag::switch("password-stdin", "read the password or token from standard input"),
        Flag::switch("insecure", "do not check the registry's certificate"),
        Flag::text("cert-file", "FILE", "our certificate for the registry"),
        Flag::text("key-file", "FILE", "the key of that certificate"),
        Flag::text("ca-file", "FILE", "the authority that signed the registry's certificate"),
        Flag::switch("plain-http", "speak HTTP without TLS"),
    ],
};

static LOGIN: Command = Command {
    name: "login",
    usage: "login [host]",
    about: "log in to a registry",
    long: "Tries user and password at a registry, and keeps them when they open it: in Helm's file ($HELM_REGISTRY_CONFIG), or\n\
           in the credential helper that this file names. Docker's own file (~/.docker/config.json) is read when Helm's knows\n\
           nothing of a registry. What is kept is sent to that registry and to whom it has issue its tokens, and to nobody\n\
           else.",
    examples: &["echo \"$TOKEN\" | whipstaff registry login ghcr.io -u ci --password-stdin"],
    arity: Arity::AtLeast(1),
    flags: &[&LOGIN_FLAGS],
    run: Some(login),
    ..PLAIN
};

static LOGOUT: Command = Command {
    name: "logout",
    usage: "logout [host]",
    about: "forget the login at a registry",
    long: "Removes what `registry login` has kept of a registry. What Docker keeps stays.",
    examples: &["whipstaff registry logout ghcr.io"],
    arity: Arity::AtLeast(1),
    run: Some(logout),
    ..PLAIN
};

pub(crate) static COMMAND: Command = Command {
    name: "registry",
    usage: "registry",
    about: "log in to registries, and out",
    long: "Keeps logins for OCI registries, where `push` brings charts and others fetch them from.",
    below: &[&LOGIN, &LOGOUT],
    ..PLAIN
};

fn login(call: &Call) -> Outcome {
    let host = call.args.first().map_or("", String::as_str);
    let (username, password) = asked(call)?;
    if let Some((suggested, _)) = host.split_once('/') {
        let message = "registry login currently only supports registry hostname, not a repository path";
        log(Level::Warn, message, &[("host", host), ("suggested", suggested)]);
    }
    let access = match call.flags.on("plain-http") {
        // What is said of certificates says nothing then.
        true => Access::default(),
        false => Access {
            username: String::new(),
            password: String::new(),
            insecure: call.flags.on("insecure"),
            ..depots::access(call)
        },
    };
    depots::registry(call, access).login(host, &Credential::basic_of(&username, &password))?;
    print("Login Succeeded\n")
}

fn logout(call: &Call) -> Outcome {
    let host = call.args.first().map_or("", String::as_str);
    depots::registry(call, Access::default()).logout(host)?;
    print(&format!("Removing login credentials for {host}\n"))
}

/// User and password: those of the flags, and what these leave open is asked for.
fn asked(call: &Call) -> Outcome<(String, String)> {
    let (mut username, password) = (call.flags.text("username").to_owned(), call.flags.text("password"));
    if call.flags.on("password-stdin") {
        let mut text = String::new();
        std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        return Ok((username, text.strip_suffix('\r').unwrap_or(text).to_owned()));
    }
    if !password.is_empty() {
        log(Level::Warn, "using --password via the CLI is insecure. Use --password-stdin", &[]);
        return Ok((username, password.to_owned()));
    }
    if username.is_empty() {
        print("Username: ")?;
        let mut line = String::new();
        let count = std::io::BufRead::read_line(&mut std::io::stdin().lock().take(LONGEST), &mut line)?;
        if count == 0 {
            return Err(Fail::new("EOF"));
        }
        line.trim().clone_into(&mut username);
    }
    let what = if username.is_empty() { "Token" } else { "Password" };
    print(&format!("{what}: "))?;
    let mut line = String::new();
    hidden(&mut line)?;
    print("\n")?;
    match line.trim_end_matches(['\n', '\r']) {
        "" => fail!("{} required", what.to_lowercase()),
        secret => Ok((username, secret.to_owned())),
    }
}
