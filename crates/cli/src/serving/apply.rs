//! From settings to what the server is told.

use std::time::Duration;

use server::Limits;

use super::Effective;
use crate::fail::Outcome;

/// What callers may ask for.
pub(crate) fn limits(settings: &Effective) -> Outcome<Limits> {
    Ok(Limits {
        chart_bytes: settings.size("limit-chart-size")?,
        body_bytes: settings.size("limit-body-size")?,
        index_bytes: settings.size("limit-index-size")?,
        charts_total_bytes: settings.size("limit-charts-memory")?,
        operations: count(settings, "limit-operations")?,
        header_time: settings.some_time("limit-header-time")?,
        body_time: settings.some_time("limit-body-time")?,
        plan_time: settings.time("limit-plan-time")?,
        wait_time: settings.time("limit-wait-time")?,
        connections: count(settings, "limit-connections")?,
        caller_rate: settings.count("limit-caller-rate")?,
        caller_burst: settings.count("limit-caller-burst")?,
        caller_requests: count(settings, "limit-caller-requests")?,
        requests: count(settings, "limit-requests")?,
        caller_streams: count(settings, "limit-caller-streams")?,
        streams: count(settings, "limit-streams")?,
        stream_time: settings.some_time("limit-stream-time")?,
        read_time: settings.some_time("limit-read-time")?,
    })
}

/// A number of things that are held at a time, of which there can be no more than a semaphore counts.
fn count(settings: &Effective, name: &str) -> Outcome<usize> {
    let number: u32 = settings.count(name)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// How long things are kept, and how long the server takes to end.
pub(crate) fn times(settings: &Effective) -> Outcome<(Duration, Duration)> {
    Ok((settings.some_time("retention")?, settings.time("grace")?))
}
