//! Cron jobs: a job each time the schedule says so.

use std::sync::Arc;

use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::{MANAGER, is_true, owner_reference};
use crate::clock::rfc3339;
use crate::json::{at, int, set, text};
use crate::resources::GroupResource;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

/// The minutes, hours, days, months and weekdays at which a schedule is due.
struct Schedule {
    fields: [u64; 5],
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads the five fields of cron, or one of its words. The error is the text of the library that Kubernetes uses.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", parts.len(), parts.join(" ")));
        };
        let fields = [
            bits(minute, 0, 59, &[])?,
            bits(hour, 0, 23, &[])?,
            bits(day, 1, 31, &[])?,
            bits(month, 1, 12, &MONTHS)?,
            bits(weekday, 0, 7, &DAYS).map(|b| if b & (1 << 7) != 0 { b | 1 } else { b })?,
        ];
        let any = |field: &str| field.starts_with(['*', '?']);
        Ok(Self { fields, any_day: any(day), any_weekday: any(weekday) })
    }

    fn fits(&self, at: &Zoned) -> bool {
        let [minutes, hours, days, months, weekdays] = self.fields;
        let has = |set: u64, n: i8| u32::try_from(n).is_ok_and(|n| set & (1 << n) != 0);
        let day = has(days, at.day());
        let weekday = has(weekdays, at.weekday().to_sunday_zero_offset());
        let date = if self.any_day || self.any_weekday { day && weekday } else { day || weekday };
        has(minutes, at.minute()) && has(hours, at.hour()) && has(months, at.month()) && date
    }

    /// The first time after `after`, within two years.
    fn next(&self, after: &Zoned) -> Option<Timestamp> {
        let start = after.timestamp().as_second().div_euclid(60) * 60 + 60;
        let zone = after.time_zone();
        let mut at = Timestamp::from_second(start).ok()?;
        let end = start + 2 * 366 * 86_400;
        while at.as_second() < end {
            let zoned = at.to_zoned(zone.clone());
            if self.fits(&zoned) {
                return Some(at);
            }
            // Whole days that cannot fit are skipped.
            let day_fits = (0..24).any(|h| self.fields.get(1).is_some_and(|f| f & (1 << h) != 0))
                && self.fields.get(3).is_some_and(|m| u32::try_from(zoned.month()).is_ok_and(|n| m & (1 << n) != 0));
            let step = if day_fits { 60 } else { 3600 };
            at = Timestamp::from_second(at.as_second() + step - at.as_second().rem_euclid(step)).ok()?;
        }
        None
    }
}

fn bits(field: &str, low: u32, high: u32, names: &[&str]) -> std::result::Result<u64, String> {
    let mut out = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                (range, step.parse::<u32>().map_err(|_| format!("failed to parse int from {step}: invalid syntax"))?)
            }
            None => (part, 1),
        };
        if step == 0 {
            return Err(format!("step of range should be a positive number: {part}"));
        }
        let number = |text: &str| -> std::result::Result<u32, String> {
            if let Some(index) = names.iter().position(|n| n.eq_ignore_ascii_case(text)) {
                let offset = u32::from(names.len() == MONTHS.len());
                return Ok(u32::try_from(index).unwrap_or(0) + offset);
            }
            text.parse()
                .map_err(|_| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"))
        };
        let (from, to) = match range {
            "*" | "?" => (low, high),
            range => match range.split_once('-') {
                Some((a, b)) => (number(a)?, number(b)?),
                None if part.contains('/') => (number(range)?, high),
                None => (number(range)?, number(range)?),
            },
        };
        if from < low {
            return Err(format!("beginning of range ({from}) below minimum ({low}): {part}"));
        }
        if to > high {
            return Err(format!("end of range ({to}) above maximum ({high}): {part}"));
        }
        if from > to {
            return Err(format!("beginning of range ({from}) beyond end of range ({to}): {part}"));
        }
        let mut n = from;
        while n <= to {
            out |= 1_u64 << n;
            n += step;
        }
    }
    Ok(out)
}

/// What is wrong with a schedule.
pub(crate) fn schedule_problem(text: &str) -> Option<String> {
    if text.starts_with("@every ") {
        return None;
    }
    Schedule::parse(text).err()
}

impl State {
    pub(super) fn cron_job(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let jobs = GroupResource::new("batch", "jobs");
        let owned = self.controlled(object, &jobs);
        let running: Vec<_> = owned.iter().filter(|(_, j)| !is_true(j, "Complete") && !is_true(j, "Failed")).collect();
        let active: Vec<Value> = running
            .iter()
            .map(|(k, j)| {
                json!({"apiVersion": "batch/v1", "kind": "Job", "name": k.name, "namespace": k.namespace,
                "uid": text(j, &["metadata", "uid"]), "resourceVersion": text(j, &["metadata", "resourceVersion"])})
            })
            .collect();
        for (kind, limit) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
            let keep = usize::try_from(int(object, &["spec", limit]).unwrap_or(1)).unwrap_or(1);
            let mut over: Vec<_> = owned.iter().filter(|(_, j)| is_true(j, kind)).collect();
            over.sort_by_key(|(k, j)| (text(j, &["metadata", "creationTimestamp"]).to_owned(), k.name.clone()));
            let surplus = over.len().saturating_sub(keep);
            for (job, _) in over.into_iter().take(surplus) {
                self.drop_with_pods(job);
            }
        }
        let mut status = object.get("status").cloned().unwrap_or_else(|| json!({}));
        if active.is_empty() {
            crate::json::remove(&mut status, &["active"]);
        } else {
            set(&mut status, &["active"], active);
        }
        if let Some((_, done)) = owned
            .iter()
            .filter(|(_, j)| is_true(j, "Complete"))
            .max_by_key(|(_, j)| text(j, &["status", "completionTime"]).to_owned())
        {
            set(&mut status, &["lastSuccessfulTime"], text(done, &["status", "completionTime"]).to_owned());
        }
        let suspended = at(object, &["spec", "suspend"]) == Some(&Value::Bool(true));
        if !suspended && let Some(due) = self.cron_due(object) {
            if due > self.now() {
                self.enqueue_at(due, key);
            } else {
                let forbid = text(object, &["spec", "concurrencyPolicy"]) == "Forbid" && !running.is_empty();
                if !forbid {
                    if text(object, &["spec", "concurrencyPolicy"]) == "Replace" {
                        for (job, _) in &running {
                            self.drop_with_pods(job);
                        }
                    }
                    let template = at(object, &["spec", "jobTemplate"]).cloned().unwrap_or(Value::Null);
                    let mut job = json!({"metadata": template.get("metadata"), "spec": template.get("spec")});
                    set(&mut job, &["metadata", "name"], format!("{}-{}", key.name, due.as_second() / 60));
                    set(
                        &mut job,
                        &["metadata", "annotations", "batch.kubernetes.io/cronjob-scheduled-timestamp"],
                        rfc3339(due),
                    );
                    set(&mut job, &["metadata", "ownerReferences"], owner_reference(object));
                    self.make(&jobs, &key.namespace, job, MANAGER)?;
                }
                set(&mut status, &["lastScheduleTime"], rfc3339(due));
                self.enqueue(key);
            }
        }
        self.write_status(key, status, MANAGER)
    }

    fn drop_with_pods(&mut self, key: &Key) {
        if let Some(resource) = self.resource_of(&key.place) {
            let options = crate::rest::DeleteOptions {
                propagation: Some(crate::rest::Propagation::Background),
                ..Default::default()
            };
            let _ = self.delete(&resource, key, &options, &crate::state::Writer::controller(MANAGER));
        }
    }

    /// When a cron job is due next: the latest time that has gone by since it last ran, or the first one to come.
    fn cron_due(&self, object: &Value) -> Option<Timestamp> {
        let schedule = Schedule::parse(text(object, &["spec", "schedule"])).ok()?;
        let last = text(object, &["status", "lastScheduleTime"]);
        let since = if last.is_empty() { text(object, &["metadata", "creationTimestamp"]) } else { last };
        let zone = match text(object, &["spec", "timeZone"]) {
            "" => jiff::tz::TimeZone::UTC,
            name => jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC),
        };
        let since: Timestamp = since.parse().ok()?;
        let mut due = schedule.next(&since.to_zoned(zone.clone()))?;
        let now = self.now();
        // Of many that were missed only the latest counts.
        for _ in 0..100 {
            match schedule.next(&due.to_zoned(zone.clone())) {
                Some(next) if next <= now => due = next,
                _ => break,
            }
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_a_next_time() {
        let start: Timestamp = "2026-01-01T00:00:30Z".parse().unwrap();
        for (schedule, want) in [
            ("* * * * *", "2026-01-01T00:01:00Z"),
            ("*/15 * * * *", "2026-01-01T00:15:00Z"),
            ("0 3 * * *", "2026-01-01T03:00:00Z"),
            ("0 0 * * mon", "2026-01-05T00:00:00Z"),
            ("30 1 1 mar *", "2026-03-01T01:30:00Z"),
            ("@hourly", "2026-01-01T01:00:00Z"),
            ("0 0 13 * 5", "2026-01-02T00:00:00Z"),
        ] {
            let parsed = Schedule::parse(schedule).unwrap();
            let next = parsed.next(&start.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
            assert_eq!(next, want.parse::<Timestamp>().unwrap(), "{schedule}");
        }
        assert_eq!(schedule_problem("x").unwrap(), "expected exactly 5 fields, found 1: [x]");
        assert!(schedule_problem("60 * * * *").is_some());
    }
}
