//! How a change goes, on standard error: on a terminal a line an object that is kept up to date, elsewhere a plain line
//! for each object that is still waited for, once it takes a while. What Helm logs is logged either way.

use std::io::{IsTerminal, Write, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::{Event, WarningSource};

use crate::log::{Level, log};

/// How often a file or a pipe is told: most changes are over before the first time, and print what Helm prints.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How wide a line is drawn: one that is broken into two could not be taken back.
const WIDTH: usize = 78;

/// The most lines that are drawn at a time.
const MOST: usize = 20;

/// What is shown of a change while it runs.
pub(crate) struct Progress {
    seen: Mutex<Seen>,
    on_terminal: bool,
}

struct Seen {
    /// The objects that are waited for, and what was said of them last.
    lines: Vec<(String, String)>,
    /// How many lines stand on the terminal now.
    drawn: usize,
    /// Objects that are left where they are because they are not the release's, and why.
    skipped: Vec<Skipped>,
}

/// An object that an uninstall leaves where it is.
#[derive(Clone, Debug)]
pub(crate) struct Skipped {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Why it cannot be told whose it is; `None` when it is somebody else's.
    pub(crate) unverifiable: Option<String>,
}

impl Default for Progress {
    fn default() -> Self {
        let seen = Seen { lines: Vec::new(), drawn: 0, skipped: Vec::new() };
        Self { seen: Mutex::new(seen), on_terminal: stderr().is_terminal() }
    }
}

impl Progress {
    /// Takes a fact in.
    pub(crate) fn see(&self, event: Event) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Resource { kind, namespace, name, action, message, .. } => {
                let namespace = namespace.unwrap_or_default();
                match action.as_str() {
                    "not-owned" | "unverifiable" => {
                        let unverifiable = message.filter(|_| action == "unverifiable");
                        seen.skipped.push(Skipped { kind, namespace, name, unverifiable });
                    }
                    "configured" if message.is_some() => unexpected(&namespace, &name, &kind),
                    "waiting" | "ready" | "failed" | "gone" => {
                        let message = message.unwrap_or_default();
                        self.note(&mut seen, format!("{kind}/{name}"), &action, &message);
                    }
                    _ => {}
                }
            }
            Event::Log { text, .. } if text.is_empty() => {}
            Event::Log { text, .. } => log(Level::Info, text.strip_suffix('\n').unwrap_or(&text), &[]),
            Event::Warning { message, source: Some(WarningSource::Lock), holder } => {
                log(Level::Warn, &message, &[("holder", &holder.unwrap_or_default())]);
            }
            Event::Warning { message, .. } => {
                seen.erase();
                // It quotes what a chart says.
                let text: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                eprintln!("Warning: {text}");
                if self.on_terminal {
                    seen.draw();
                }
            }
            Event::Hook { .. } | Event::Phase { .. } | Event::Done { .. } => {}
        }
    }

    fn note(&self, seen: &mut Seen, object: String, action: &str, message: &str) {
        let text = if message.is_empty() { action.to_owned() } else { format!("{action}: {message}") };
        match seen.lines.iter_mut().find(|(known, _)| *known == object) {
            Some((_, last)) if *last == text => return,
            Some((_, last)) => last.clone_from(&text),
            None => seen.lines.push((object.clone(), text.clone())),
        }
        if self.on_terminal {
            seen.draw();
        }
    }

    /// Tells a file or a pipe what is still waited for.
    pub(crate) fn tick(&self) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.on_terminal {
            let left = seen.lines.iter().filter(|(_, said)| said.starts_with("waiting"));
            left.for_each(|(object, said)| eprintln!("{object} {said}"));
        }
    }

    /// Takes what stands on the terminal away: the result is what counts now.
    pub(crate) fn end(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).erase();
    }

    /// The objects that were left where they are.
    pub(crate) fn skipped(&self) -> Vec<Skipped> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).skipped.clone()
    }
}

impl Seen {
    fn erase(&mut self) {
        if self.drawn > 0 {
            // Up to the first line, and everything below it away.
            let _ = write!(stderr(), "\u{1b}[{}A\u{1b}[J", self.drawn);
            self.drawn = 0;
        }
    }

    fn draw(&mut self) {
        self.erase();
        let mut text = String::new();
        // Those that are waited for matter most when there are too many.
        let (waiting, ready): (Vec<_>, Vec<_>) = self.lines.iter().partition(|(_, said)| said.starts_with("waiting"));
        let shown: Vec<_> = waiting.into_iter().chain(ready).take(MOST).collect();
        for (object, said) in self.lines.iter().filter(|line| shown.contains(line)) {
            let line: String = format!("{object} {said}").replace('\n', " ").chars().take(WIDTH).collect();
            text.push_str(&line);
            text.push('\n');
        }
        self.drawn = shown.len();
        let _ = write!(stderr(), "{text}");
    }
}

/// The engine's event as the API has it, so that what is shown is the same wherever the work is done. What the engine warns
/// of was told when the chart was loaded.
pub(crate) fn of_engine(event: engine::Event) -> Option<Event> {
    use engine::Event as E;
    let warning = |message, source, holder| Some(Event::Warning { message, source: Some(source), holder });
    match event {
        E::Resource { api_version, kind, namespace, name, action, message } => {
            let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
            Some(Event::Resource { api_version, kind, namespace, name, action, message })
        }
        E::Hook { name, kind, event, phase } => Some(Event::Hook { name, kind, event, phase }),
        E::Log { pod, container, text } => Some(Event::Log { pod, container, text, of_test: false }),
        E::Warned { message } => warning(message, WarningSource::Cluster, None),
        E::Locked { holder, message } => warning(message, WarningSource::Lock, Some(holder)),
        E::Phase { .. } | E::Recorded { .. } | E::Warning { .. } => None,
    }
}

fn unexpected(namespace: &str, name: &str, kind: &str) {
    let text = "resource exists on cluster but not in original release, using cluster state as baseline";
    log(Level::Warn, text, &[("namespace", namespace), ("name", name), ("kind", kind)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str) -> Event {
        Event::Resource {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: Some("web".to_owned()),
            name: "shop".to_owned(),
            action: action.to_owned(),
            message: Some("Running".to_owned()),
        }
    }

    #[test]
    fn one_line_an_object() {
        let progress = Progress { on_terminal: false, ..Progress::default() };
        for action in ["waiting", "waiting", "ready", "created", "not-owned"] {
            progress.see(event(action));
        }
        let seen = progress.seen.lock().unwrap();
        assert_eq!(seen.lines, [("Pod/shop".to_owned(), "ready: Running".to_owned())]);
        assert_eq!(seen.skipped.len(), 1);
    }
}
