//! Commands: what one is, finding the one that is meant, and running it (as Go's `spf13/cobra` 1.10.2 does).

use crate::fail::{Fail, Outcome, fail};
use crate::flags::{CLUSTER, GLOBAL, Group, HELP, Parsed, SERVER, parse, without_flags};
use crate::log::{Level, log};
use crate::remote::Server;
use crate::settings::Settings;
use crate::{commands, complete, help};

/// How many arguments a command takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arity {
    /// Whatever there is.
    Any,
    /// None.
    None,
    /// So many.
    Exactly(usize),
    /// So many at most.
    AtMost(usize),
    /// So many at least.
    AtLeast(usize),
}

/// What an argument is, for the shells' completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A release.
    Release,
    /// A release, and so are all that follow.
    Releases,
    /// A revision of the first argument.
    Revision,
    /// A chart: a file, a folder, or one of a repository.
    Chart,
    /// A file or a folder.
    Path,
    /// A chart repository that was added, and so are all that follow.
    Repositories,
    /// The name of a command, whose own arguments follow.
    Command,
}

/// A command.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its name.
    pub(crate) name: &'static str,
    /// Other names.
    pub(crate) aliases: &'static [&'static str],
    /// How it is used, from its name on.
    pub(crate) usage: &'static str,
    /// What it does, in a few words.
    pub(crate) about: &'static str,
    /// What it does.
    pub(crate) long: &'static str,
    /// How it is used, a line each.
    pub(crate) examples: &'static [&'static str],
    /// How many arguments it takes.
    pub(crate) arity: Arity,
    /// What these are, in turn.
    pub(crate) takes: &'static [Takes],
    /// Its flags besides those of all.
    pub(crate) flags: &'static [&'static Group],
    /// Flags of which only one may be given.
    pub(crate) exclusive: &'static [&'static [&'static str]],
    /// The commands below it.
    pub(crate) below: &'static [&'static Command],
    /// Whether it can be done by a server.
    pub(crate) remote: bool,
    /// What it does; without this it only shows help.
    pub(crate) run: Option<fn(&Call) -> Outcome>,
}

/// A command without flags and the like, to be filled in.
pub(crate) const PLAIN: Command = Command {
    name: "",
    aliases: &[],
    usage: "",
    about: "",
    long: "",
    examples: &[],
    arity: Arity::None,
    takes: &[],
    flags: &[],
    exclusive: &[],
    below: &[],
    remote: false,
    run: None,
};

/// A command that is to be run.
#[derive(Debug)]
pub(crate) struct Call {
    /// The name of the command.
    pub(crate) command: &'static str,
    /// Its flags.
    pub(crate) flags: Parsed,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// What holds for all commands.
    pub(crate) settings: Settings,
    /// The server that does the work, if one is named.
    pub(crate) server: Option<Server>,
}

impl Call {
    /// The namespace that the command is about.
    pub(crate) fn namespace(&self) -> String {
        match &self.server {
            Some(_) => self.settings.namespace_there().to_owned(),
            None => self.settings.namespace(),
        }
    }

    /// Tells what is being done, when that is wanted.
    pub(crate) fn debug(&self, message: &str, attributes: &[(&str, &str)]) {
        if self.settings.debug {
            log(Level::Debug, message, attributes);
        }
    }
}

/// The name that errors call the program by: it is Helm's users who read them, and it may well be called so.
const HELM: &str = "helm";

/// A command and those it is below, from the root.
pub(crate) struct Found {
    pub(crate) path: Vec<&'static Command>,
}

impl Found {
    fn root() -> Self {
        Self { path: vec![&commands::ROOT] }
    }

    /// The command itself.
    pub(crate) fn command(&self) -> &'static Command {
        self.path.last().copied().unwrap_or(&commands::ROOT)
    }

    /// All flags it has.
    pub(crate) fn groups(&self) -> Vec<&'static Group> {
        let command = self.command();
        let common: &[&Group] = if self.serves() { &[&HELP] } else { &[&HELP, &CLUSTER, &SERVER, &GLOBAL] };
        command.flags.iter().chain(common).copied().collect()
    }

    /// Whether it is a server itself.
    fn serves(&self) -> bool {
        matches!(self.command().name, "serve" | "sandbox")
    }

    /// Its name with those above it; the root goes by `program`.
    pub(crate) fn name(&self, program: &str) -> String {
        let below = self.path.iter().skip(1).map(|command| command.name);
        std::iter::once(program).chain(below).collect::<Vec<_>>().join(" ")
    }

    /// How it is used.
    pub(crate) fn usage(&self, program: &str) -> String {
        let above = Self { path: self.path.iter().take(self.path.len() - 1).copied().collect() };
        match self.path.len() {
            0 | 1 => format!("{program} [command]"),
            _ => format!("{} {} [flags]", above.name(program), self.command().usage),
        }
    }

    fn below(&self, name: &str) -> Option<&'static Command> {
        let known = self.command().below.iter().copied();
        known.into_iter().find(|command| command.name == name || command.aliases.contains(&name))
    }
}

/// Finds the command that is meant, and takes its name out of the arguments.
pub(crate) fn find(args: &[String]) -> (Found, Vec<String>) {
    let mut found = Found::root();
    let mut args = args.to_vec();
    loop {
        let next = match without_flags(&found.groups(), &args).first() {
            Some((at, word)) => found.below(word).map(|command| (*at, command)),
            None => None,
        };
        let Some((at, command)) = next else { return (found, args) };
        args.remove(at);
        found.path.push(command);
    }
}

/// Runs a command line.
pub(crate) fn execute(args: &[String]) -> Outcome {
    if let Some(answered) = complete::answer(args) {
        return answered;
    }
    let (found, args) = find(args);
    let command = found.command();
    if found.path.len() == 1
        && let Some((_, word)) = without_flags(&found.groups(), &args).first()
    {
        return Err(unknown(word));
    }
    let parsed = parse(&found.groups(), &args)?;
    eprint!("{}", parsed.warnings);
    let Some(run) = command.run.filter(|_| !parsed.on("help")) else {
        return crate::output::print(&help::of(&found));
    };
    check_arity(&found, &parsed)?;
    check_exclusive(command, &parsed)?;
    let settings = Settings::read(&parsed);
    check_color(&parsed)?;
    let args = parsed.args.clone();
    let server = if found.serves() { None } else { server(&found, &parsed)? };
    run(&Call { command: command.name, flags: parsed, args, settings, server })
}

/// The server that a command is to be done by. A variable that names one says nothing to commands that need none; a flag
/// would be in vain.
fn server(found: &Found, parsed: &Parsed) -> Outcome<Option<Server>> {
    if found.command().remote {
        return Server::of(parsed);
    }
    let flags = SERVER.flags.iter();
    match flags.map(|flag| flag.name).find(|flag| parsed.given(flag)) {
        Some(flag) => fail!("`{}` does not go over the API: leave out --{flag}", found.name("whipstaff")),
        None => Ok(None),
    }
}

fn check_color(parsed: &Parsed) -> Outcome {
    match parsed.last_of(&["color", "colour"]) {
        Some(mode) if !matches!(mode, "never" | "auto" | "always") => {
            let text = format!("invalid color mode {mode:?}: must be one of: never, auto, always");
            log(Level::Warn, "command failed", &[("error", &text)]);
            Err(Fail::new(""))
        }
        _ => Ok(()),
    }
}

fn check_arity(found: &Found, parsed: &Parsed) -> Outcome {
    let count = parsed.args.len();
    let (right, wants, most) = match found.command().arity {
        Arity::Any => return Ok(()),
        Arity::None => (count == 0, "accepts no", 0),
        Arity::Exactly(n) => (count == n, "requires", n),
        Arity::AtMost(n) => (count <= n, "accepts at most", n),
        Arity::AtLeast(n) => (count >= n, "requires at least", n),
    };
    if right {
        return Ok(());
    }
    let noun = if most == 1 { "argument" } else { "arguments" };
    let number = if most == 0 { String::new() } else { format!(" {most}") };
    fail!("\"{}\" {wants}{number} {noun}\n\nUsage:  {}", found.name(HELM), found.usage(HELM))
}

fn check_exclusive(command: &Command, parsed: &Parsed) -> Outcome {
    let mut groups = command.exclusive.to_vec();
    groups.sort_by_key(|group| group.join(" "));
    for group in groups {
        let mut given: Vec<&str> = group.iter().copied().filter(|flag| parsed.given(flag)).collect();
        given.sort_unstable();
        if given.len() > 1 {
            let (group, given) = (group.join(" "), given.join(" "));
            fail!("if any flags in the group [{group}] are set none of the others can be; [{given}] were all set");
        }
    }
    Ok(())
}

/// There is no such command; those that look like it are named.
fn unknown(word: &str) -> Fail {
    let lower = word.to_lowercase();
    let like = |name: &str| distance(&lower, name) <= 2 || name.starts_with(&lower);
    let names = commands::ROOT.below.iter().map(|command| command.name);
    let alike: Vec<&str> = names.filter(|name| *name != "help" && like(name)).collect();
    let mut text = format!("unknown command {} for \"{HELM}\"", chart::text::quote(word));
    if !alike.is_empty() {
        text.push_str("\n\nDid you mean this?\n");
        alike.iter().for_each(|name| text.push_str(&format!("\t{name}\n")));
    }
    Fail { hint: Some(format!("Run '{HELM} --help' for usage.")), ..Fail::new(text) }
}

/// How many letters two words are apart (Levenshtein), byte by byte.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.bytes().zip(row.iter().skip(1)) {
            left = if x == y { diagonal } else { 1 + diagonal.min(left).min(*above) };
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, want) in [("", "abc", 3), ("lint", "lint", 0), ("lnit", "lint", 2), ("instal", "install", 1)] {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
