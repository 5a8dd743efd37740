//! What may come next on a command line, for the shells (in the protocol of Go's `spf13/cobra` 1.10.2, `completions.go`, so that
//! the scripts of `helm completion` understand it too).

use depot::{Repositories, cache_files};

use crate::command::{Call, Command, Found, Takes, find};
use crate::depots;
use crate::fail::Outcome;
use crate::flags::{Flag, Kind, by_letter, by_name, parse, without_flags};
use crate::kubeconfig;
use crate::output::print;
use crate::releases;
use crate::remote::Server;
use crate::settings::Settings;

/// What shells call: with descriptions, and without.
const VERBS: [(&str, bool); 2] = [("__complete", true), ("__completeNoDesc", false)];

/// A word that may come next, and what it is.
type Word = (String, String);

/// What a shell is to offer.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// One of these words.
    Words(Vec<Word>),
    /// The name of a file.
    File,
    /// Nothing, as it cannot be found out.
    Unknown,
}

/// Answers a shell, if it is one that asks.
pub(crate) fn answer(args: &[String]) -> Option<Outcome> {
    let (verb, rest) = args.split_first()?;
    let (_, described) = VERBS.iter().find(|(name, _)| name == verb)?;
    Some(print(&text(next(rest), *described)))
}

/// Writes words, a line each, and what the shell is to make of them: 0 to complete files, 1 for an error, 4 to keep to the words.
fn text(next: Next, described: bool) -> String {
    let (words, directive) = match next {
        Next::Words(words) => (words, 4),
        Next::File => (Vec::new(), 0),
        Next::Unknown => (Vec::new(), 1),
    };
    let line = |(word, about): Word| match described && !about.is_empty() {
        true => format!("{word}\t{about}\n"),
        false => format!("{word}\n"),
    };
    words.into_iter().map(line).chain([format!(":{directive}\n")]).collect()
}

/// What may stand for the last word of a command line.
fn next(args: &[String]) -> Next {
    let Some((current, before)) = args.split_last() else { return Next::Unknown };
    let (found, mut given) = find(before);
    let mut current = current.as_str();
    let mut flag = None;
    if !given.iter().any(|word| word == "--") {
        let open = given.last().and_then(|word| wants_value(&found, word));
        if open.is_some() {
            flag = open;
            given.pop();
        } else if let Some((name, value)) = current.strip_prefix("--").and_then(|long| long.split_once('=')) {
            let Some(known) = by_name(&found.groups(), name) else { return Next::Unknown };
            (flag, current) = (Some(known), value);
        } else if current.starts_with('-') {
            return fitting(flags(&found), current);
        }
    }
    let line = Line {
        words: without_flags(&found.groups(), &given).into_iter().map(|(_, word)| word.clone()).collect(),
        found,
        given,
    };
    match flag {
        Some(flag) => line.value(flag, current),
        None => line.argument(current),
    }
}

/// The flag that a word is, if its value has to follow.
fn wants_value(found: &Found, word: &str) -> Option<&'static Flag> {
    let groups = found.groups();
    let flag = match word.strip_prefix("--") {
        Some(name) => by_name(&groups, name),
        None => {
            let mut letters = word.strip_prefix('-')?.chars();
            let letter = letters.next()?;
            by_letter(&groups, letter).filter(|_| letters.next().is_none())
        }
    };
    flag.filter(|flag| flag.alone.is_none())
}

fn fitting(words: Vec<Word>, current: &str) -> Next {
    Next::Words(words.into_iter().filter(|(word, _)| word.starts_with(current)).collect())
}

fn plain(words: &[&str]) -> Vec<Word> {
    words.iter().map(|word| named((*word).to_owned())).collect()
}

fn named(word: String) -> Word {
    (word, String::new())
}

fn commands(command: &Command) -> Vec<Word> {
    let mut words: Vec<Word> =
        command.below.iter().map(|below| (below.name.to_owned(), below.about.to_owned())).collect();
    words.sort();
    words
}

fn flags(found: &Found) -> Vec<Word> {
    let all = found.groups().into_iter().flat_map(|group| group.flags).filter(|flag| !flag.hidden);
    let mut words: Vec<Word> = all
        .flat_map(|flag| {
            let names = [Some(format!("--{}", flag.name)), flag.short.map(|letter| format!("-{letter}"))];
            names.into_iter().flatten().map(|name| (name, flag.help.to_owned()))
        })
        .collect();
    words.sort();
    words.dedup();
    words
}

/// A command line without its last word.
struct Line {
    found: Found,
    /// What is given after the command, without the flag whose value is asked for.
    given: Vec<String>,
    /// What of it are arguments.
    words: Vec<String>,
}

impl Line {
    /// What an argument may be.
    fn argument(&self, current: &str) -> Next {
        let command = self.found.command();
        if !command.below.is_empty() {
            // Below a command that is not known there is nothing.
            return if self.words.is_empty() { fitting(commands(command), current) } else { Next::File };
        }
        let repeats = |takes: &&Takes| matches!(takes, Takes::Releases | Takes::Repositories | Takes::Command);
        let takes = command.takes.get(self.words.len()).or(command.takes.last().filter(repeats));
        let words = match takes {
            Some(Takes::Path) => return Next::File,
            Some(Takes::Chart) => return self.charts(current),
            Some(Takes::Repositories) => self.repositories().map(|names| names.into_iter().map(named).collect()),
            Some(Takes::Release | Takes::Releases) => self.releases(),
            Some(Takes::Revision) => self.revisions(),
            Some(Takes::Command) => return next(&[self.words.clone(), vec![current.to_owned()]].concat()),
            None => Some(Vec::new()),
        };
        match words {
            Some(words) => fitting(words.into_iter().filter(|(word, _)| !self.words.contains(word)).collect(), current),
            None => Next::Unknown,
        }
    }

    /// What the value of a flag may be.
    fn value(&self, flag: &Flag, current: &str) -> Next {
        let words = match (flag.kind, flag.name) {
            (Kind::Format, _) => Some(plain(&["json", "table", "yaml"])),
            (Kind::Wait, _) => Some(plain(&["hookOnly", "legacy", "watcher"])),
            (Kind::Bool, _) => Some(plain(&["false", "true"])),
            (_, "color" | "colour") => Some(plain(&["always", "auto", "never"])),
            (_, "kube-context") => self.contexts(),
            (_, "namespace") => self.namespaces(),
            (_, "revision") => self.revisions(),
            _ => return Next::File,
        };
        words.map_or(Next::Unknown, |words| fitting(words, current))
    }

    /// The call that the line is so far.
    fn call(&self) -> Option<Call> {
        let flags = parse(&self.found.groups(), &self.given).ok()?;
        let settings = Settings::read(&flags);
        let command = self.found.command();
        let server = if command.remote { Server::of(&flags).ok()? } else { None };
        Some(Call { command: command.name, args: flags.args.clone(), flags, settings, server })
    }

    fn contexts(&self) -> Option<Vec<Word>> {
        let files = self.call()?.settings.text("kubeconfig").to_owned();
        Some(kubeconfig::contexts(&files))
    }

    /// The namespaces that have releases, as far as one may see them.
    fn namespaces(&self) -> Option<Vec<Word>> {
        let all = ["--all-namespaces".to_owned()];
        let (list, _) = find(&["list".to_owned()]);
        let flags = parse(&list.groups(), &all).ok()?;
        let call = Call { flags, ..self.call()? };
        let listed = releases::open(&call).ok()?.list(&call).ok()?;
        let mut names: Vec<Word> = listed.into_iter().map(|release| (release.namespace, String::new())).collect();
        names.sort();
        names.dedup();
        Some(names)
    }

    /// The names of the chart repositories that were added.
    fn repositories(&self) -> Option<Vec<String>> {
        let known = Repositories::read(&depots::home(&self.call()?).repositories).ok()?;
        Some(known.list().iter().map(|repository| repository.name.clone()).collect())
    }

    /// Charts of the repositories that were added, as their cached lists have them; else files.
    fn charts(&self, current: &str) -> Next {
        let Some(call) = self.call() else { return Next::Unknown };
        let cache = depots::home(&call).cache;
        let of = |name: &String| {
            let files = cache_files(&cache, name).ok()?;
            let charts = std::fs::read_to_string(files.charts).ok()?;
            Some(charts.lines().map(|chart| format!("{name}/{chart}")).collect::<Vec<_>>())
        };
        let known = self.repositories().unwrap_or_default();
        let charts: Vec<String> = known.iter().filter_map(of).flatten().filter(|it| it.starts_with(current)).collect();
        // Of thousands of charts the names of their repositories are offered first.
        let words = match current.contains('/') {
            true => charts,
            false => known.iter().map(|name| format!("{name}/")).filter(|name| name.starts_with(current)).collect(),
        };
        if words.is_empty() || current.is_empty() {
            Next::File
        } else {
            fitting(words.into_iter().map(named).collect(), current)
        }
    }

    fn releases(&self) -> Option<Vec<Word>> {
        let call = self.call()?;
        let listed = releases::open(&call).ok()?.list(&call).ok()?;
        let about = |chart: &str, status: &str| format!("{chart} -> {status}");
        Some(listed.into_iter().map(|it| (it.name, about(&it.chart, &it.status))).collect())
    }

    /// The revisions of the release that is named first, the last one first.
    fn revisions(&self) -> Option<Vec<Word>> {
        let Some(name) = self.words.first() else { return Some(Vec::new()) };
        let call = self.call()?;
        let history = releases::open(&call).ok()?.history(name).ok()?;
        let about = |it: &releases::Revision| format!("{}, {}, {}", it.status, it.chart, it.description);
        Some(history.iter().rev().map(|it| (it.revision.to_string(), about(it))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        text(next(&words), false)
    }

    #[test]
    fn commands_flags_and_their_values() {
        for (line, want) in [
            ("sta", "status\n:4\n"),
            ("-n web sta", "status\n:4\n"),
            ("get ma", "manifest\n:4\n"),
            ("nosuch x", ":0\n"),
            ("status --o", "--output\n:4\n"),
            ("status --output ", "json\ntable\nyaml\n:4\n"),
            ("status -o j", "json\n:4\n"),
            ("list --output=y", "yaml\n:4\n"),
            ("install shop chart --wait=", "hookOnly\nlegacy\nwatcher\n:4\n"),
            ("install shop ", ":0\n"),
            ("install -f ", ":0\n"),
            ("lint -- -", ":0\n"),
            ("completion z", "zsh\n:4\n"),
            ("help get va", "values\n:4\n"),
            ("list ", ":4\n"),
            ("list --nosuch=", ":1\n"),
        ] {
            assert_eq!(asked(line), want, "{line}");
        }
        assert_eq!(text(Next::Unknown, true), ":1\n");
        let all = asked("");
        let names: Vec<&str> = all.lines().collect();
        assert!(names.contains(&"install") && names.is_sorted_by(|a, b| a <= b || *b == ":4"), "{names:?}");
    }

    #[test]
    fn words_are_described() {
        let words: Vec<String> = ["rollb".to_owned()].into();
        assert!(text(next(&words), true).starts_with("rollback\t"), "{:?}", next(&words));
    }

    /// Who is asked for a release says so to the shells as well.
    #[test]
    fn usage_and_what_is_taken_agree() {
        fn check(command: &Command) {
            let named = command.usage.contains("RELEASE");
            let taken = matches!(command.takes.first(), Some(Takes::Release | Takes::Releases));
            assert_eq!(named, taken, "{}", command.usage);
            let path = ["CHART", "chart", "PATH", "DIR"].iter().any(|word| command.usage.contains(word));
            let taken = command.takes.iter().any(|takes| matches!(takes, Takes::Chart | Takes::Path));
            assert_eq!(path, taken, "{}", command.usage);
            command.below.iter().for_each(|below| check(below));
        }
        check(&crate::commands::ROOT);
    }
}
