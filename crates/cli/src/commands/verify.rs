//! `verify`, as Helm 4.3: `pkg/cmd/verify.go`, `pkg/action/verify.go`.

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::Outcome;
use crate::flags::{Flag, Group};
use crate::output::print;
use crate::provenance;

static FLAGS: Group = Group {
    title: "Keys",
    flags: &[Flag::text("keyring", "FILE", "the public keys: a keyring, a keybox or armored text; else GnuPG's own")],
};

pub(crate) static COMMAND: Command = Command {
    name: "verify",
    usage: "verify PATH",
    about: "check who packed a chart",
    long: "Checks a packed chart against the provenance file beside it (PATH.prov): the signature has to be of a key\n\
           in the keyring, and the hash it vouches for has to be that of the archive.",
    examples: &["whipstaff verify mychart-1.2.3.tgz --keyring ~/.gnupg/pubring.gpg"],
    arity: Arity::Exactly(1),
    takes: &[Takes::Path],
    flags: &[&FLAGS],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let path = call.args.first().map_or("", String::as_str);
    let verified = provenance::verify(path, call.flags.some("keyring"))?;
    let mut text = String::new();
    for identity in &verified.identities {
        text.push_str(&format!("Signed by: {identity}\n"));
    }
    text.push_str(&format!("Using Key With Fingerprint: {}\n", verified.fingerprint));
    text.push_str(&format!("Chart Hash Verified: {}\n", verified.hash));
    print(&text)
}
