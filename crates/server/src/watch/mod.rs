//! Streams of events (`text/event-stream`): of lists, with a place to come back to, also on another replica and after a restart.
//!
//! A [`Hub`] has what there is of one list (a [`Snapshot`]) and what has happened to it (a [`Feed`] of [`Turn`]s), and any number of
//! readers ([`reader`]) go through that, each from where it is. The id of an event ([`Mark`]) says two things: a number in the feed of this
//! process, and the version up to which the cluster's own history was told. Who comes back to the same process goes on by the number;
//! anybody else is told what the cluster says was touched since that version ([`past`]), as it is now. Releases (`cache`) and operations
//! (`operations/watch.rs`) are streamed so; the events of one operation are not, for they are stored with it.

mod feed;
mod hub;
mod mark;
mod past;
mod reader;
mod wire;

pub(crate) use hub::{Hub, News, Origin, Subject, Touched};
pub(crate) use mark::history;
pub(crate) use reader::{Reader, Wanted};
pub(crate) use wire::{data, ended, respond, write};
