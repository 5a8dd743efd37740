//! `cargo xtask load`: what a server with ten thousand releases takes for lists, and for lists beside a thousand event streams.
//!
//! A sandbox is one process and the server another, so that the server's memory is its own; both listen on loopback only.
//! Times are taken from when a request was due, not from when there was a connection free for it.

mod fill;
mod http;
mod processes;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use self::http::{Connection, Http};
use self::processes::Processes;

/// What to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The binary; else that of `cargo build --release`
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// How many releases there are
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    releases: usize,
    /// How many first pages are read in each order
    #[arg(long, value_name = "N", default_value_t = 300)]
    pages: usize,
    /// How many event streams are open
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    streams: usize,
    /// How many lists a second are asked for beside them
    #[arg(long, value_name = "N", default_value_t = 200)]
    rate: u32,
    /// How many releases change a second meanwhile
    #[arg(long, value_name = "N", default_value_t = 5)]
    changes: u32,
    /// For how long
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// The port of the server; the sandbox takes the next one
    #[arg(long, default_value_t = 27700)]
    port: u16,
}

const SORTS: [&str; 12] = [
    "name",
    "-name",
    "namespace",
    "-namespace",
    "status",
    "-status",
    "revision",
    "-revision",
    "updated",
    "-updated",
    "chart",
    "-chart",
];
/// Below the rate that one caller may have.
const PACE: Duration = Duration::from_millis(4);
/// What is promised: the first page of a list, the server's memory, and a list beside the streams.
const PAGE: Duration = Duration::from_millis(20);
const MEMORY: u64 = 150;
const LIST: Duration = Duration::from_millis(100);
/// How many lists may be under way at a time.
const WORKERS: usize = 32;

/// Measures, prints the figures, and tells whether they are as promised.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let binary = match &arguments.whipstaff {
        Some(path) => std::path::absolute(path)?,
        None => crate::root().join("target/release/whipstaff"),
    };
    let mut processes = Processes::start(&binary, arguments.port)?;
    let (api, server) = (Http::new(arguments.port + 1), Http::new(arguments.port));
    let begun = Instant::now();
    let size = fill::fill(&api, arguments.releases)?;
    println!("load: {} releases of {size} bytes each, written in {:.1?}", arguments.releases, begun.elapsed());
    println!("load: memory of the server before the first list: {} MiB", processes.memory()?);
    let mut good = pages(arguments, &server)?;
    let memory = processes.memory()?;
    println!("load: memory of the server after all orders: {memory} MiB, at most {} MiB", processes.most_memory()?);
    good &= memory <= MEMORY;
    if arguments.streams > 0 {
        good &= streams(arguments, &api, &server, &processes)?;
    }
    processes.check()?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the first page in each order.
fn pages(arguments: &Arguments, server: &Http) -> Result<bool> {
    let mut connection = server.connect()?;
    let mut good = true;
    println!("load: first page            cold       p50       p99       max");
    for sort in SORTS {
        let path = format!("/v1/clusters/default/releases?sort={sort}");
        let begun = Instant::now();
        let items = connection.get(&path)?.json()?["items"].as_array().map_or(0, Vec::len);
        let cold = begun.elapsed();
        anyhow::ensure!(items == arguments.releases.min(256), "{path} has {items} items");
        let mut times = Vec::new();
        for _ in 0..arguments.pages {
            let begun = Instant::now();
            connection.get(&path)?.expect(200)?;
            let time = begun.elapsed();
            times.push(time);
            std::thread::sleep(PACE.saturating_sub(time));
        }
        let [half, most, max] = quantiles(&mut times);
        println!("load:   {sort:<14} {:>9.2} {:>9.2} {:>9.2} {:>9.2} ms", ms(cold), ms(half), ms(most), ms(max));
        good &= most <= PAGE;
    }
    Ok(good)
}

/// Opens the streams, and asks for lists beside them.
fn streams(arguments: &Arguments, api: &Http, server: &Http, processes: &Processes) -> Result<bool> {
    let (ended, events, synced, broken) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let follow = |at: usize| -> Result<()> {
        let namespace = at % fill::NAMESPACES;
        let path = format!("/v1/clusters/default/namespaces/lists-{namespace}/releases?watch=true");
        let mut stream = server.connect()?.open(&path)?;
        while !ended.load(Ordering::Relaxed) {
            match stream.event()? {
                Some(event) if event == "synced" => _ = synced.fetch_add(1, Ordering::Relaxed),
                Some(event) if event != "added" => _ = events.fetch_add(1, Ordering::Relaxed),
                Some(_) => {}
                None => anyhow::bail!("the stream has ended"),
            }
        }
        Ok(())
    };
    let (ended, broken, follow) = (&ended, &broken, &follow);
    std::thread::scope(|scope| -> Result<bool> {
        for at in 0..arguments.streams {
            let follow = move || {
                if let Err(error) = follow(at)
                    && !ended.load(Ordering::Relaxed)
                    && broken.fetch_add(1, Ordering::Relaxed) < 3
                {
                    eprintln!("load: a stream: {error:#}");
                }
            };
            std::thread::Builder::new().stack_size(128 << 10).spawn_scoped(scope, follow)?;
            std::thread::sleep(PACE);
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        while synced.load(Ordering::Relaxed) + broken.load(Ordering::Relaxed) < arguments.streams
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(100));
        }
        println!(
            "load: {} streams are open, memory of the server {} MiB",
            synced.load(Ordering::Relaxed),
            processes.memory()?
        );
        let changer = scope.spawn(|| change(arguments, api, ended));
        let listed = lists(arguments, server);
        ended.store(true, Ordering::Relaxed);
        let changed = changer.join().map_err(|_| anyhow::anyhow!("a thread died"))??;
        // Whoever reads hears of the end with the next event, or with the next sign of life.
        fill::touch(api, arguments.releases)?;
        let (mut times, errors) = listed?;
        let [half, most, max] = quantiles(&mut times);
        let (told, broken) = (events.load(Ordering::Relaxed), broken.load(Ordering::Relaxed));
        println!(
            "load: {} lists at {} a second beside {} streams for {} s: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {errors} errors",
            times.len(),
            arguments.rate,
            arguments.streams,
            arguments.seconds,
            ms(half),
            ms(most),
            ms(max)
        );
        println!(
            "load: {changed} changes were told {told} times, {broken} streams broke; memory of the server {} MiB",
            processes.memory()?
        );
        Ok(most <= LIST && errors == 0 && broken == 0 && processes.memory()? <= MEMORY)
    })
}

/// Asks for lists at a steady rate, whatever comes back; returns how long each took since it was due, and how many failed.
fn lists(arguments: &Arguments, server: &Http) -> Result<(Vec<Duration>, usize)> {
    let total = usize::try_from(u64::from(arguments.rate) * arguments.seconds)?;
    let (next, errors, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    let work = || -> Result<Vec<Duration>> {
        let mut connection: Option<Connection> = None;
        let mut times = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= total {
                return Ok(times);
            }
            let due = begun + Duration::from_secs_f64(at as f64 / f64::from(arguments.rate));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let sort = SORTS.get(at % SORTS.len()).copied().unwrap_or("name");
            let path = format!("/v1/clusters/default/releases?limit=50&sort={sort}");
            let mut ask = || {
                connection.take().map_or_else(|| server.connect(), Ok).and_then(|mut open| {
                    open.get(&path)?.expect(200)?;
                    Ok(open)
                })
            };
            match ask() {
                Ok(open) => connection = Some(open),
                Err(error) if errors.fetch_add(1, Ordering::Relaxed) < 3 => eprintln!("load: a list: {error:#}"),
                Err(_) => {}
            }
            times.push(due.elapsed());
        }
    };
    let times = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().ok().context("a thread died")?).collect::<Result<Vec<_>>>()
    })?;
    Ok((times.into_iter().flatten().collect(), errors.into_inner()))
}

/// Writes records anew at a steady rate until the end; returns how many.
fn change(arguments: &Arguments, api: &Http, ended: &AtomicBool) -> Result<usize> {
    let mut count = 0;
    while !ended.load(Ordering::Relaxed) && arguments.changes > 0 {
        fill::change(api, count * 37 % arguments.releases.max(1), count)?;
        count += 1;
        std::thread::sleep(Duration::from_secs(1) / arguments.changes);
    }
    Ok(count)
}

/// The median, the 99th of a hundred, and the greatest.
fn quantiles(times: &mut [Duration]) -> [Duration; 3] {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    [at(50), at(99), times.last()].map(|time| time.copied().unwrap_or_default())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
