//! What commands share that fetch the subcharts of a chart (as Helm 4.3: `pkg/cmd/dependency_update.go`,
//! `pkg/cmd/source_date_epoch.go`).

use std::num::IntErrorKind;
use std::time::{SystemTime, UNIX_EPOCH};

use chart::text::quote;
use depot::dependencies::{Event, Now, Subcharts, Verify};

use crate::command::Call;
use crate::depots;
use crate::fail::{Outcome, fail};
use crate::locate;
use crate::log::{Level, log};
use crate::output::print;

/// What is done about the subcharts of a chart.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// What the lock file says is fetched, not what is newest.
    pub(crate) locked: bool,
    /// Indexes are taken as they are.
    pub(crate) skip_refresh: bool,
    /// Provenance files are checked, and whether there has to be one.
    pub(crate) verify: Option<bool>,
    /// Nothing is printed.
    pub(crate) silent: bool,
}

/// Brings the subcharts of the chart in a folder into its `charts/`.
pub(crate) fn fetch(call: &Call, chart: &str, wanted: Wanted) -> Outcome {
    let stamp = source_date_epoch()?;
    let (home, fetcher) = (depots::home(call), depots::fetcher(None));
    let registry = depots::registry(call, depots::access(call));
    let check = |name: &str, archive: &[u8], proof: &[u8]| {
        depots::verify(call, name, archive, proof).map(|_| ()).map_err(|fail| fail.text)
    };
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let subcharts = Subcharts {
        chart,
        home: &home,
        fetcher: &fetcher,
        registry: &registry,
        skip_refresh: wanted.skip_refresh,
        verbose: call.settings.debug,
        verify: wanted.verify.map(|is_needed| Verify { is_needed, check: &check }),
        now: Now { text: depots::now(), seconds: i64::try_from(seconds)?, stamp },
    };
    let mut printed = Ok(());
    let mut tell = |event| match event {
        Event::Print(_) if wanted.silent || printed.is_err() => {}
        Event::Print(text) => printed = print(&text),
        Event::Log(text) => log(Level::Info, &text, &[]),
        Event::Index(notice) => depots::tell(notice),
        Event::Load(notice) => locate::tell(notice),
    };
    let fetched = if wanted.locked { subcharts.build(&mut tell) } else { subcharts.update(&mut tell) };
    fetched?;
    printed
}

/// The time that the files of archives get, when one is asked for.
pub(crate) fn source_date_epoch() -> Outcome<Option<i64>> {
    let text = std::env::var("SOURCE_DATE_EPOCH").unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(0..) => Ok(text.parse().ok()),
        Ok(_) => fail!("invalid SOURCE_DATE_EPOCH: must not be negative"),
        Err(error) => {
            let reason = match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
                _ => "invalid syntax",
            };
            fail!("invalid SOURCE_DATE_EPOCH: strconv.ParseInt: parsing {}: {reason}", quote(&text))
        }
    }
}
