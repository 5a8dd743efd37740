//! `.helmignore` (as Helm 4.3: `pkg/ignore/rules.go`).

use super::glob::Glob;

/// The rules of one `.helmignore`; the first that decides wins.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    glob: Glob,
    /// The rule has no slash and looks at the file name only.
    base_only: bool,
    negated: bool,
    dirs_only: bool,
}

/// The longest line that Go's scanner takes.
const MAX_LINE: usize = 64 * 1024;

impl Rules {
    /// Reads rules from the text of a `.helmignore`, and adds the built-in one for dot files in `templates/`.
    ///
    /// # Errors
    /// When a rule holds `**` or is no pattern, with Helm's text.
    pub fn parse(data: &[u8]) -> Result<Self, String> {
        let data = data.strip_prefix(super::BOM).unwrap_or(data);
        let mut rules = Self::default();
        for line in data.split(|&b| b == b'\n') {
            if line.len() >= MAX_LINE {
                return Err("bufio.Scanner: token too long".to_owned());
            }
            rules.add(&String::from_utf8_lossy(line))?;
        }
        rules.add("templates/.?*")?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        Glob::parse(line).map_err(|e| e.to_string())?;
        let (negated, rule) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (dirs_only, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let (base_only, rule) = match rule.strip_prefix('/') {
            Some(rest) => (false, rest),
            None => (!rule.contains('/'), rule),
        };
        // What is left of a good pattern can be a bad one; Helm then logs and never matches.
        let Ok(glob) = Glob::parse(rule) else { return Ok(()) };
        self.0.push(Rule { glob, base_only, negated, dirs_only });
        Ok(())
    }

    /// Tells whether the file or folder at `path` (with forward slashes, below the chart's folder) is left out.
    #[must_use]
    pub fn ignores(&self, path: &str, is_dir: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.0 {
            let matches = || {
                let name = if rule.base_only { path.rsplit('/').next().unwrap_or(path) } else { path };
                rule.glob.matches(name)
            };
            if rule.negated {
                // A negated rule that does not match leaves the file out at once, as in Helm.
                if (rule.dirs_only && !is_dir) || !matches() {
                    return true;
                }
            } else if (!rule.dirs_only || is_dir) && matches() {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_as_helm() {
        // The cases of Helm's pkg/ignore/rules_test.go in our own words: rule, path, folder?, left out?
        for (rule, path, dir, want) in [
            ("helm.txt", "helm.txt", false, true),
            ("helm.*", "helm.txt", false, true),
            ("helm.*", "rudder.txt", false, false),
            ("*.txt", "tiller.txt", false, true),
            ("cargo/a.txt", "cargo/a.txt", false, true),
            ("cargo/*.txt", "cargo/a.txt", false, true),
            ("cargo/*.txt", "mast/a.txt", false, false),
            ("ru[c-e]?er.txt", "rudder.txt", false, true),
            ("templates/.?*", "templates/.dotfile", false, true),
            (".*", ".", false, false),
            (".*", "./", false, false),
            (".*", ".joonix", false, true),
            (".*", "helm.txt", false, false),
            (".*", "", false, false),
            ("cargo/", "cargo", true, true),
            ("cargo/", "cargo/", true, false),
            ("cargo/", "mast/", true, false),
            ("helm.txt/", "helm.txt", false, false),
            ("!helm.txt", "helm.txt", false, false),
            ("!helm.txt", "tiller.txt", false, true),
            ("!*.txt", "cargo", true, true),
            ("!cargo/", "mast/", true, true),
            ("/a.txt", "a.txt", false, true),
            ("/a.txt", "cargo/a.txt", false, false),
            ("/cargo/a.txt", "cargo/a.txt", false, true),
            ("# helm.txt", "helm.txt", false, false),
            ("\u{feff}helm.txt", "helm.txt", false, true),
        ] {
            assert_eq!(Rules::parse(rule.as_bytes()).unwrap().ignores(path, dir), want, "{rule} {path}");
        }
    }

    #[test]
    fn refuses_as_helm() {
        assert_eq!(Rules::parse(b"a/**/b").unwrap_err(), "double-star (**) syntax is not supported");
        assert_eq!(Rules::parse(b"[").unwrap_err(), "syntax error in pattern");
    }
}
