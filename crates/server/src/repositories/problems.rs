//! The one place where what goes wrong with a repository becomes a problem.

use api::{InputError, Problem, Reason};

use super::fetch::Failed;

/// The longest text that is told.
const LONGEST: usize = 1_000;

/// The problem of a fetch from a repository.
pub(super) fn of(failed: Failed, repository: &str) -> Box<Problem> {
    let error = match failed {
        Failed::Depot(error) => error,
        Failed::Late(time) => {
            let text = format!("repository `{repository}` did not answer within {} s", time.as_secs());
            return Box::new(Problem::new(Reason::RepositoryUnreachable, text));
        }
        Failed::Died(text) => return crate::reply::internal(text),
    };
    let reason = match (&error, error.fetch()) {
        (_, Some(fetch)) if fetch.is_outside() => Reason::RepositoryForbidden,
        (_, Some(fetch)) if fetch.is_too_long() => Reason::RepositoryInvalid,
        (_, Some(fetch)) => match fetch.answered() {
            Some(401 | 403) => Reason::RepositoryUnauthorized,
            Some(408 | 425 | 429 | 500..) | None => Reason::RepositoryUnreachable,
            Some(_) => Reason::RepositoryInvalid,
        },
        _ if error.is_mismatch() => Reason::ChartMismatch,
        (depot::Error::File { .. } | depot::Error::Repositories(..), _) => return crate::reply::internal(error),
        _ => Reason::RepositoryInvalid,
    };
    let advice = match reason {
        Reason::RepositoryForbidden => {
            "; who runs the server says where it may be fetched from with `--allow-repository-hosts`"
        }
        Reason::RepositoryUnauthorized => "; see to the repository's `username` and `password`",
        _ => "",
    };
    let text = format!("repository `{repository}`: {}{advice}", shown(&error.to_string()));
    let said =
        error.fetch().and_then(depot::FetchError::retry_after).filter(|_| reason == Reason::RepositoryUnreachable);
    let retry_after = said.map(|seconds| u16::try_from(seconds).unwrap_or(u16::MAX));
    Box::new(Problem { retry_after, ..Problem::new(reason, text) })
}

/// What a stranger has said, without what may be secret in it and without more than can be read.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive([' ', '"', '\'', '`', '\n']) {
        match word.split_once('?').filter(|(before, _)| before.contains("://")) {
            // The query of a URL may be what opens it.
            Some((before, query)) => {
                out.push_str(before);
                out.extend(query.chars().last().filter(|end| matches!(end, ' ' | '"' | '\'' | '`' | '\n')));
            }
            None => out.push_str(word),
        }
    }
    let plain = |c: char| if c == '\n' { ' ' } else { c };
    let mut out: Vec<char> = out.chars().map(plain).filter(|c| !c.is_control()).take(LONGEST + 1).collect();
    if out.len() > LONGEST {
        out.truncate(LONGEST - 1);
        out.push('…');
    }
    out.into_iter().collect()
}

pub(crate) fn missing(name: &str) -> Box<Problem> {
    let text = format!("there is no repository `{name}`; `/v1/repositories` has those there are");
    Box::new(Problem::new(Reason::RepositoryNotFound, text))
}

pub(super) fn no_chart(repository: &str, chart: &str) -> Box<Problem> {
    let text = format!("repository `{repository}` has no chart `{chart}`; if it is new there, refresh the repository");
    Box::new(Problem::new(Reason::ChartNotFound, text))
}

pub(super) fn no_version(repository: &str, chart: &str, version: &str) -> Box<Problem> {
    let text = format!("repository `{repository}` has no version of chart `{chart}` that is `{version}` or fits");
    Box::new(Problem::new(Reason::ChartVersionNotFound, text))
}

/// A parameter that cannot be read.
pub(crate) fn wrong_parameter(name: &str, text: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::of_errors(Reason::InvalidParameter, vec![InputError::parameter(name, text)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_urls_are_not_told() {
        let text = "Get \"https://h/a?X-Signature=secret\": moved to https://h/b?token=secret and why? because";
        assert_eq!(shown(text), "Get \"https://h/a\": moved to https://h/b and why? because");
        assert_eq!(shown("a\nb\u{1b}[1m"), "a b[1m");
        assert_eq!(shown(&"x".repeat(5_000)).chars().count(), LONGEST);
    }
}
