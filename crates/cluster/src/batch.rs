//! Doing the same with many objects.

use std::future::Future;

use futures::{StreamExt, stream};

use crate::object::Object;

/// Runs `each` over objects: those of one kind that stand together at the same time, at most `parallel`, one kind after
/// the other, as Helm 4.3: `pkg/kube/client.go batchPerform`. The results are in the order of the objects.
///
/// Helm starts the later kinds also when an earlier one has failed; here they are not started, so fewer results than
/// objects come back then.
pub fn per_kind<'o, T, E, F>(
    objects: &'o [Object],
    parallel: usize,
    each: impl Fn(&'o Object) -> F,
) -> impl Future<Output = Vec<Result<T, E>>>
where
    F: Future<Output = Result<T, E>>,
{
    // The futures are made here and run there: a closure kept across an await would make the whole future one that the
    // compiler cannot prove to be `Send`.
    let kinds: Vec<Vec<F>> =
        objects.chunk_by(|a, b| a.kind() == b.kind()).map(|kind| kind.iter().map(&each).collect()).collect();
    async move {
        let mut results = Vec::new();
        for kind in kinds {
            let some: Vec<_> = stream::iter(kind).buffered(parallel.max(1)).collect().await;
            let failed = some.iter().any(Result::is_err);
            results.extend(some);
            if failed {
                break;
            }
        }
        results
    }
}

/// Runs `each` over items, at most `parallel` at a time; the results are in the order of the items.
pub fn all<'o, I, T, F>(items: &'o [I], parallel: usize, each: impl Fn(&'o I) -> F) -> impl Future<Output = Vec<T>>
where
    F: Future<Output = T>,
{
    let futures: Vec<F> = items.iter().map(each).collect();
    async move { stream::iter(futures).buffered(parallel.max(1)).collect().await }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn later_kinds_wait_for_earlier_ones() {
        let objects: Vec<Object> = ["Secret", "Secret", "Pod", "Secret"]
            .iter()
            .enumerate()
            .map(|(at, kind)| {
                Object::new(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": at.to_string()}})).unwrap()
            })
            .collect();
        let seen = Mutex::new(Vec::new());
        let run = |fail: &'static str| {
            let seen = &seen;
            per_kind(&objects, 8, move |object| async move {
                seen.lock().unwrap().push(format!("+{}", object.name()));
                tokio::task::yield_now().await;
                seen.lock().unwrap().push(format!("-{}", object.name()));
                if object.kind() == fail { Err(object.name()) } else { Ok(object.name()) }
            })
        };
        assert_eq!(run("").await, [Ok("0"), Ok("1"), Ok("2"), Ok("3")]);
        let mut order = std::mem::take(&mut *seen.lock().unwrap());
        order[..2].sort();
        order[2..4].sort();
        assert_eq!(order, ["+0", "+1", "-0", "-1", "+2", "-2", "+3", "-3"]);
        assert_eq!(run("Pod").await, [Ok("0"), Ok("1"), Err("2")]);
    }
}
