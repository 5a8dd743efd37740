//! `key create`, `key list` and `key revoke`: API keys of the server.

use jiff::Timestamp;
use server::keys::{Key, Store};

use crate::command::{Arity, Call, Command, PLAIN};
use crate::connect::{self, Session};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{Flag, Group, Kind, go_span};
use crate::output::print;
use crate::table::table;

static CREATE_FLAGS: Group = Group {
    title: "Key",
    flags: &[
        Flag::text("user", "NAME", "the user of Kubernetes that the key stands for"),
        Flag::of(Kind::Array, "group", "NAME", "a group of that user; may be repeated"),
        Flag::text("expires", "TIME", "how long the key can be used, such as 720h; `never` for ever").or("720h"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "key",
    usage: "key",
    about: "make, list and revoke API keys of the server",
    long: "An API key stands for a user of Kubernetes and its groups: what the server is asked to do with it, it does in that\n\
           user's name, so RBAC says what the key may. Keys are Secrets in the server's own namespace (--namespace), with the\n\
           hash of the key and not the key itself. Who may write Secrets there can make keys for any user.",
    below: &[&CREATE, &LIST, &REVOKE],
    ..PLAIN
};

static CREATE: Command = Command {
    name: "create",
    usage: "create --user NAME",
    about: "make a key, and print it once",
    long: "Makes a key and prints it. It is not kept anywhere, so it cannot be shown again.",
    examples: &["whipstaff key create --user ci --group deployers --expires 720h --namespace whipstaff"],
    flags: &[&CREATE_FLAGS],
    run: Some(create),
    ..PLAIN
};

static LIST: Command = Command {
    name: "list",
    aliases: &["ls"],
    usage: "list",
    about: "list keys: whom they stand for, and until when",
    long: "Lists the keys, without the part of them that is secret.",
    examples: &["whipstaff key list --namespace whipstaff"],
    run: Some(list),
    ..PLAIN
};

static REVOKE: Command = Command {
    name: "revoke",
    usage: "revoke ID",
    about: "delete a key, so that it opens nothing any more",
    long: "Deletes a key. Servers have forgotten it five seconds later.",
    examples: &["whipstaff key revoke 1f2e3d4c5b6a --namespace whipstaff"],
    arity: Arity::Exactly(1),
    run: Some(revoke),
    ..PLAIN
};

fn store(call: &Call) -> Outcome<(Session, Store)> {
    let session = connect::open(call)?;
    let store = Store::new(session.engine.cluster().client().clone(), &session.namespace);
    Ok((session, store))
}

fn failed(error: server::keys::Error) -> Fail {
    Fail::new(error.to_string())
}

/// Until when a key can be used.
fn end(text: &str, now: Timestamp) -> Outcome<Option<Timestamp>> {
    if text == "never" {
        return Ok(None);
    }
    let end = go_span(text).filter(|span| !span.is_zero()).and_then(|span| now.checked_add(span).ok());
    match end {
        Some(end) => Ok(Some(end)),
        None => fail!("invalid argument {text:?} for \"--expires\" flag: a time such as 720h, or never"),
    }
}

fn create(call: &Call) -> Outcome {
    let now = Timestamp::now();
    let Some(user) = call.flags.some("user") else { fail!("required flag(s) \"user\" not set") };
    let end = end(call.flags.text("expires"), now)?;
    let (session, store) = store(call)?;
    let made = store.create(user, call.flags.list("group"), now, end);
    let (key, text) = session.wait(made).map_err(failed)?;
    // Nothing but the key on standard output, so that a script can take it from there.
    let until = key.expires.map_or_else(|| "for ever".to_owned(), |end| format!("until {end}"));
    eprintln!("key {} stands for user {user:?} {until}; it is not shown again:", key.id);
    print(&format!("{text}\n"))
}

fn list(call: &Call) -> Outcome {
    let (session, store) = store(call)?;
    let keys = session.wait(store.list()).map_err(failed)?;
    print(&format!("{}\n", rows(&keys, Timestamp::now())))
}

fn rows(keys: &[Key], now: Timestamp) -> String {
    let mut rows = vec![["ID", "USER", "GROUPS", "CREATED", "EXPIRES"].map(str::to_owned).to_vec()];
    for key in keys {
        let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}"));
        let mut expires = key.expires.map_or_else(|| "never".to_owned(), |end| format!("{end:.0}"));
        if key.is_over(now) {
            expires.push_str(" (over)");
        }
        rows.push(vec![key.id.clone(), key.user.clone(), key.groups.join(","), time(key.created), expires]);
    }
    table(&rows, 0)
}

fn revoke(call: &Call) -> Outcome {
    let (session, store) = store(call)?;
    let id = call.args.first().map_or("", String::as_str);
    session.wait(store.revoke(id)).map_err(failed)?;
    print(&format!("key {id:?} revoked\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end() {
        let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let read = |text: &str| end(text, now).map_err(|fail| fail.text);
        assert_eq!(read("24h").unwrap().unwrap().to_string(), "2026-12-01T00:00:00Z");
        assert_eq!(read("never").unwrap(), None);
        for wrong in ["0", "-1h", "soon", ""] {
            assert!(read(wrong).unwrap_err().contains("--expires"), "{wrong}");
        }
    }
}
