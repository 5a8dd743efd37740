//! Reading scripts: commands that are run by two programs, one after the other, and compared.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// A program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Tool {
    Helm,
    Kubectl,
    Whipstaff,
}

/// Commands that are run one after the other.
#[derive(Debug)]
pub struct Script {
    /// Its heading.
    pub name: String,
    /// What is run.
    pub lines: Vec<Line>,
}

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// As it is written.
    pub text: String,
    /// The program, where it is always the same.
    pub tool: Option<Tool>,
    /// Variables that stand before it.
    pub variables: Vec<(String, String)>,
    /// The words behind the program.
    pub args: Vec<String>,
    /// It is known to differ, and run for what it does.
    pub on_purpose: bool,
}

/// Reads the scripts of a folder.
///
/// # Errors
///
/// When a file cannot be read, or has a command before any heading.
pub fn read(folder: &Path) -> Result<Vec<Script>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read `{}`", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let mut scripts: Vec<Script> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(name) = line.strip_prefix("## ") {
                scripts.push(Script { name: name.to_owned(), lines: Vec::new() });
            } else if !line.starts_with('#') {
                let Some(script) = scripts.last_mut() else {
                    bail!("{}: a command before any heading", path.display())
                };
                script.lines.push(parse(line));
            }
        }
    }
    Ok(scripts)
}

fn parse(text: &str) -> Line {
    let (on_purpose, command) = match text.strip_prefix("- ") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut words = words(command);
    let is_variable = |word: &String| {
        let name = word.split('=').next().unwrap_or_default();
        word.contains('=') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    };
    let count = words.iter().take_while(|word| is_variable(word)).count();
    let variables = words
        .drain(..count)
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
    let variables: Vec<_> = variables.collect();
    let tool = (words.first().is_some_and(|word| word == "kubectl")).then_some(Tool::Kubectl);
    let args = words.split_off(usize::from(tool.is_some()));
    Line { text: text.to_owned(), tool, variables, args, on_purpose }
}

/// Words as a shell takes them, with single and double quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let line = parse("- HELM_DRIVER=configmap list --filter '^a b' ''");
        assert!(line.on_purpose);
        assert_eq!(line.variables, [("HELM_DRIVER".to_owned(), "configmap".to_owned())]);
        assert_eq!(line.args, ["list", "--filter", "^a b", ""]);
        let line = parse("kubectl get pods");
        assert_eq!((line.tool, line.args), (Some(Tool::Kubectl), vec!["get".to_owned(), "pods".to_owned()]));
        assert_eq!(parse("install a=b").variables, []);
    }
}
