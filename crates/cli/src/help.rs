//! Help: what a command does, how it is used, its flags, in our own words.

use crate::command::{Command, Found};
use crate::flags::{Flag, Group, Kind};

/// What we call ourselves.
const PROGRAM: &str = "whipstaff";

/// How wide a line may get.
const WIDTH: usize = 110;

/// The help of a command.
pub(crate) fn of(found: &Found) -> String {
    let command = found.command();
    let mut text = format!("{}\n", if command.long.is_empty() { command.about } else { command.long });
    text.push_str("\nUsage:\n");
    if command.run.is_some() {
        text.push_str(&format!("  {}\n", found.usage(PROGRAM)));
    }
    if !command.below.is_empty() {
        text.push_str(&format!("  {} [command]\n", found.name(PROGRAM)));
    }
    if !command.aliases.is_empty() {
        text.push_str(&format!("\nAlso called: {}\n", command.aliases.join(", ")));
    }
    if !command.examples.is_empty() {
        text.push_str("\nExamples:\n");
        command.examples.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    if !command.below.is_empty() {
        text.push_str("\nCommands:\n");
        text.push_str(&list(command.below));
    }
    for group in found.groups() {
        text.push_str(&flags(group));
    }
    if !command.below.is_empty() {
        text.push_str(&format!("\n`{} [command] --help` says more about a command.\n", found.name(PROGRAM)));
    }
    text
}

fn list(commands: &[&Command]) -> String {
    let width = commands.iter().map(|command| command.name.len()).max().unwrap_or(0);
    commands.iter().map(|command| format!("  {:width$}  {}\n", command.name, command.about)).collect()
}

fn flags(group: &Group) -> String {
    let shown: Vec<&Flag> = group.flags.iter().filter(|flag| !flag.hidden).collect();
    let left = |flag: &&Flag| {
        let short = flag.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
        let value = match (flag.value, flag.alone.filter(|_| flag.kind != Kind::Bool)) {
            ("", _) => String::new(),
            (value, Some(_)) => format!("[={value}]"),
            (value, None) => format!(" {value}"),
        };
        format!("  {short}--{}{value}", flag.name)
    };
    let width = shown.iter().map(|flag| left(flag).len()).max().unwrap_or(0) + 2;
    let mut text = match group.title {
        "" => "\n".to_owned(),
        title => format!("\n{title}:\n"),
    };
    for flag in shown {
        let mut said = flag.help.to_owned();
        if !matches!(flag.default, "" | "false") {
            said.push_str(&format!(" (default {})", flag.default));
        }
        let mut first = true;
        for line in wrapped(&said, WIDTH.saturating_sub(width).max(30)) {
            let left = if first { left(&flag) } else { String::new() };
            text.push_str(format!("{left:width$}{line}").trim_end());
            text.push('\n');
            first = false;
        }
    }
    text
}

/// Breaks a text into lines of words.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
