//! What is done for an operation, and said of it, belongs to one span.

use api::Operation;
use tracing::{Span, field};

/// Makes the span of an operation. It outlives the request that has asked for it: it is no part of that, but follows it.
pub(crate) fn span(operation: &Operation, request: Option<&str>) -> Span {
    let kind = format!("{:?}", operation.kind).to_lowercase();
    let release = &operation.release;
    // Grave enough to be there whatever is logged, so that each line has the ids.
    let span = tracing::error_span!(
        parent: None,
        "operation",
        operation = operation.id,
        request,
        kind,
        cluster = release.cluster,
        namespace = release.namespace,
        release = release.name,
        state = field::Empty,
    );
    span.follows_from(Span::current());
    span
}
