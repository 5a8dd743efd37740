//! A gzip stream unpacked while it is read, as Go's `compress/gzip` with several members.

use std::cell::RefCell;
use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

/// The largest window of a deflate stream, as a power of two.
const WINDOW: u8 = 15;

/// Reads what a gzip stream unpacks to, as far as it goes and no further than a limit. Where it is broken it ends; what broke
/// it is put aside, since only who needs more than there was has to say so.
pub(super) struct Unpacked<'b> {
    rest: &'b [u8],
    member: Decompress,
    /// How much more may come.
    left: u64,
    broken: &'b RefCell<Option<io::Error>>,
    ended: bool,
}

impl<'b> Unpacked<'b> {
    pub(super) fn new(bytes: &'b [u8], limit: u64, broken: &'b RefCell<Option<io::Error>>) -> Self {
        Self { rest: bytes, member: Decompress::new_gzip(WINDOW), left: limit, broken, ended: false }
    }

    /// Ends the stream, for a reason or at its end.
    fn end(&mut self, reason: Option<io::Error>) {
        self.ended = true;
        *self.broken.borrow_mut() = reason;
    }

    /// Unpacks into some room; gives how much came, `0` only at the end.
    fn unpack(&mut self, room: &mut [u8]) -> usize {
        loop {
            let (read, written) = (self.member.total_in(), self.member.total_out());
            let result = self.member.decompress(self.rest, room, FlushDecompress::None);
            let taken = usize::try_from(self.member.total_in() - read).unwrap_or(usize::MAX);
            let made = usize::try_from(self.member.total_out() - written).unwrap_or(0);
            self.rest = self.rest.get(taken..).unwrap_or_default();
            match result {
                Err(error) => self.end(Some(error.into())),
                Ok(Status::StreamEnd) if self.rest.is_empty() => self.end(None),
                Ok(Status::StreamEnd) => self.member = Decompress::new_gzip(WINDOW),
                Ok(_) if taken + made == 0 || (self.rest.is_empty() && made < room.len()) => {
                    self.end(Some(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(_) => {}
            }
            if made > 0 || self.ended {
                return made;
            }
        }
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(room) = into.get_mut(..most) else { return Ok(0) };
        if self.ended || room.is_empty() {
            return Ok(0);
        }
        let made = self.unpack(room);
        self.left = self.left.saturating_sub(made as u64);
        Ok(made)
    }
}
