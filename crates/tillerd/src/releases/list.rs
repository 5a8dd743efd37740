//! Listing, as Helm 2.17: `pkg/tiller/release_list.go`.

use prost::Message;
use tiller::hapi::release::Release;
use tiller::hapi::release::status::Code;
use tiller::hapi::services::tiller::list_sort::{SortBy, SortOrder};
use tiller::hapi::services::tiller::{ListReleasesRequest, ListReleasesResponse};

use super::Releases;
use crate::failure::Failure;
use crate::service::MAX_MESSAGE;

/// How many releases are listed when nobody says.
const LIMIT: usize = 512;

impl Releases {
    /// Lists releases, in as many messages as it takes; none at all when there are none.
    pub(crate) async fn list(&self, request: ListReleasesRequest) -> Result<Vec<ListReleasesResponse>, Failure> {
        let limit = match usize::try_from(request.limit) {
            Ok(0) => LIMIT,
            Ok(limit) => limit,
            // Tiller dies of it.
            Err(_) => return Err(Failure(format!("limit {} is negative", request.limit))),
        };
        let codes: Vec<Code> = request.status_codes().collect();
        let codes = if codes.is_empty() { vec![Code::Deployed] } else { codes };
        let filter = if request.filter.is_empty() { None } else { Some(expression(&request.filter)?) };
        let wanted = |release: &Release| {
            codes.contains(&release.code())
                && (request.namespace.is_empty() || release.namespace == request.namespace)
                && filter.as_ref().is_none_or(|filter| filter.is_match(&release.name))
        };
        let mut found = self.store.all(wanted).await?;
        let total = found.len();
        sort(&mut found, request.sort_by());
        if request.sort_order() == SortOrder::Desc {
            found.reverse();
        }
        if !request.offset.is_empty() {
            // Of several revisions the last counts.
            let at = found.iter().rposition(|release| release.name == request.offset);
            let at = at.ok_or_else(|| Failure(format!("offset {:?} not found", request.offset)))?;
            found.drain(..at);
        }
        let next = found.get(limit).map(|release| release.name.clone()).unwrap_or_default();
        found.truncate(limit);
        let head = ListReleasesResponse { count: count(found.len()), next, total: count(total), releases: Vec::new() };
        Ok(packed(&head, found, MAX_MESSAGE))
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a regular expression; what is wrong with it is said as Go says it.
fn expression(text: &str) -> Result<regex::Regex, Failure> {
    let translated = gotext::regexp::translated(text.as_bytes()).map_err(Failure)?;
    regex::Regex::new(&translated).map_err(|error| Failure::new(error.to_string()))
}

fn sort(found: &mut [Release], by: SortBy) {
    match by {
        SortBy::Unknown => {}
        SortBy::Name => found.sort_by(|a, b| a.name.cmp(&b.name)),
        SortBy::LastReleased => found.sort_by_key(|release| {
            let last = release.info.as_ref().and_then(|info| info.last_deployed);
            last.map(|at| (at.seconds, at.nanos))
        }),
        SortBy::ChartName => found.sort_by(|a, b| chart_name(a).cmp(chart_name(b))),
    }
}

fn chart_name(release: &Release) -> &str {
    let metadata = release.chart.as_ref().and_then(|chart| chart.metadata.as_ref());
    metadata.map_or("", |metadata| metadata.name.as_str())
}

/// Packs releases into messages that are not too large; each says again how many there are.
fn packed(head: &ListReleasesResponse, releases: Vec<Release>, max: usize) -> Vec<ListReleasesResponse> {
    let room = max.saturating_sub(head.encoded_len());
    let mut messages: Vec<ListReleasesResponse> = Vec::new();
    let mut filled = 0;
    for release in releases {
        // Beside the release itself goes a tag and its length.
        let size = release.encoded_len() + 6;
        match messages.last_mut() {
            Some(message) if filled + size <= room => {
                message.releases.push(release);
                filled += size;
            }
            _ => {
                messages.push(ListReleasesResponse { releases: vec![release], ..head.clone() });
                filled = size;
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(name: &str, size: usize) -> Release {
        Release { name: name.to_owned(), manifest: "x".repeat(size), ..Release::default() }
    }

    #[test]
    fn messages_hold_what_fits_and_repeat_the_head() {
        let head = ListReleasesResponse { count: 3, next: "d".to_owned(), total: 9, releases: Vec::new() };
        let all = vec![release("a", 100), release("b", 100), release("c", 400)];
        let messages = packed(&head, all, 300);
        let names: Vec<Vec<&str>> =
            messages.iter().map(|m| m.releases.iter().map(|release| release.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
        assert!(messages.iter().all(|m| (m.count, m.next.as_str(), m.total) == (3, "d", 9)));
        assert_eq!(packed(&head, Vec::new(), 300), []);
    }
}
