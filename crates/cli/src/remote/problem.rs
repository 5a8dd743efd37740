//! What a server says against a request, in the words that the same command has here.

use api::{InputError, Problem, Reason};
use serde_json::Value;

use crate::fail::Fail;

/// The text of a problem.
pub(crate) fn text(problem: &Problem) -> String {
    if let Some(helm) = &problem.helm {
        return helm.error.clone();
    }
    match problem.reason {
        Reason::ReleaseNotFound => "release: not found".to_owned(),
        Reason::OperationInProgress => "another operation (install/upgrade/rollback) is in progress".to_owned(),
        Reason::OperationCancelled => "context canceled".to_owned(),
        // Of what flags say together the place in the body tells nothing.
        Reason::InvalidInput if !problem.errors.is_empty() && problem.errors.iter().all(is_of_flags) => {
            problem.errors.iter().map(|error| error.detail.clone()).collect::<Vec<_>>().join("; ")
        }
        _ if problem.detail.is_empty() => problem.title.clone(),
        _ => problem.detail.clone(),
    }
}

fn is_of_flags(error: &InputError) -> bool {
    let place = error.pointer.as_deref().unwrap_or_default();
    place == "/labels" || ["/apply", "/description", "/onFailure"].iter().any(|known| place.starts_with(known))
}

/// The failure of a command that has met a problem.
pub(crate) fn fail(problem: &Problem) -> Fail {
    let said = text(problem);
    let said = match problem.reason {
        // Where the record is a Secret, which a server's are unless it is told otherwise.
        Reason::NamespaceNotFound => format!("create: failed to create: {said}"),
        _ => said,
    };
    let advice = problem.helm.as_ref().and_then(|helm| helm.advice.clone());
    let running = problem.operation.as_ref().filter(|_| problem.reason == Reason::OperationInProgress);
    let running = running.map(|operation| {
        format!("operation {} of the server is at work on it; `operation watch {0}` shows how it goes", operation.id)
    });
    Fail { hint: advice.or(running), ..Fail::new(said) }
}

/// The failure when an answer is no problem of ours: of a proxy, or of another version.
pub(crate) fn unknown(url: &str, status: u16, text: &[u8]) -> Fail {
    let json: Value = serde_json::from_slice(text).unwrap_or_default();
    let said = ["detail", "title", "message"].into_iter().find_map(|key| json.get(key)?.as_str());
    Fail::new(match said {
        Some(said) => said.to_owned(),
        None => format!("{url} answers with status {status}, and not as whipstaff does"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_read_as_errors_do_here() {
        let missing = Problem::new(Reason::ReleaseNotFound, "there is no release `a` in namespace `b`");
        assert_eq!(text(&missing), "release: not found");
        let input = Problem::input(vec![InputError::body("/apply/forceReplace", "cannot")]);
        assert_eq!(text(&input), "cannot");
        let helm = api::HelmError { error: "told".to_owned(), advice: Some("do".to_owned()), ..Default::default() };
        let told = Problem { helm: Some(Box::new(helm)), ..Problem::new(Reason::ApplyFailed, "detail") };
        let fail = fail(&told);
        assert_eq!((fail.text.as_str(), fail.hint.as_deref()), ("told", Some("do")));
        assert_eq!(
            unknown("http://x", 502, b"<html>").text,
            "http://x answers with status 502, and not as whipstaff does"
        );
        assert_eq!(unknown("http://x", 400, br#"{"detail": "no"}"#).text, "no");
    }
}
