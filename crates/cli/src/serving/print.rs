//! The settings as a file that can be read back.

use goyaml::Value;

use super::{Effective, Setting, table};
use crate::flags::Kind;
use crate::help::wrapped;

/// How wide a line of a comment may get.
const WIDTH: usize = 100;

/// Prints the settings, each with what it is.
pub(crate) fn print(settings: &Effective) -> String {
    let mut text = String::from("# The settings of `whipstaff serve`, as `--config FILE` reads them.\n");
    let mut above: Vec<&str> = Vec::new();
    for section in table::SECTIONS {
        text.push_str(&format!("\n## {}\n", section.group.title));
        for (path, flag) in section.paths.iter().zip(section.group.flags) {
            let parts: Vec<&str> = path.split('.').collect();
            let (own, parents) = parts.split_last().unwrap_or((path, &[]));
            let shared = above.iter().zip(parents).take_while(|(a, b)| a == b).count();
            for (depth, parent) in parents.iter().enumerate().skip(shared) {
                text.push_str(&format!("\n{}{parent}:\n", "  ".repeat(depth)));
            }
            let setting = Setting { path, flag };
            one(&mut text, settings, setting, own, &"  ".repeat(parents.len()), parents.len() == shared);
            above = parents.to_vec();
        }
    }
    text
}

fn one(text: &mut String, settings: &Effective, setting: Setting, own: &str, indent: &str, apart: bool) {
    if apart {
        text.push('\n');
    }
    for line in wrapped(setting.flag.help, WIDTH) {
        text.push_str(&format!("{indent}# {line}\n"));
    }
    let default = match setting.flag.default {
        "" => String::new(),
        default => format!("; default {default}"),
    };
    text.push_str(&format!("{indent}# (--{}, ${}{default})\n", setting.flag.name, setting.variable()));
    let list = settings.list(setting.flag.name);
    match setting.flag.kind {
        Kind::Slice if list.is_empty() => text.push_str(&format!("{indent}{own}: []\n")),
        Kind::Slice => {
            text.push_str(&format!("{indent}{own}:\n"));
            list.iter().for_each(|item| text.push_str(&format!("{indent}- {}\n", scalar(item))));
        }
        Kind::Bool => text.push_str(&format!("{indent}{own}: {}\n", settings.on(setting.flag.name))),
        Kind::Uint => text.push_str(&format!("{indent}{own}: {}\n", settings.text(setting.flag.name))),
        _ => text.push_str(&format!("{indent}{own}: {}\n", scalar(settings.text(setting.flag.name)))),
    }
}

/// A text as YAML on one line.
fn scalar(text: &str) -> String {
    let value = Value::Str(text.to_owned());
    match goyaml::to_yaml(&value) {
        Ok(yaml) if yaml.trim_end().lines().count() == 1 => yaml.trim_end().to_owned(),
        // JSON is YAML, and has no lines.
        _ => goyaml::to_json(&value).unwrap_or_default(),
    }
}
