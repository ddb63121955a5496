//! The scanner: tells frames from everything else, byte by byte, without a file or a clock.
//!
//! It is fed windows of the audio and says what each begins with; whoever feeds it does the
//! reading. The rules:
//!
//! 1. A stream is locked on by two frames in a row that agree in version, layer and rate. A frame
//!    that ends exactly with the audio or at a tag needs no second one.
//! 2. Locked, a frame goes out when the next one follows it, or when nothing that is found inside
//!    it shows that it was cut short: two frames in a row, a frame that ends with the audio, a tag.
//! 3. Where the next frame does not follow, all is junk up to the next two frames in a row of the
//!    same stream, or a tag, which is passed over whole by its length.
//! 4. Another version or rate is another stream. Files joined together have them, and players
//!    play both parts, so the scanner moves on to it, but only on [`NEW_STREAM_RUN`] frames in a row.
//! 5. More than [`MAX_JUNK`] bytes in a row that are nothing: give up.

use super::{
    MAX_JUNK,
    header::Header,
    info::InfoFrame,
    lock::{Lock, bits_at, ends_at, tag_behind},
    search,
    tag::TagKind,
    unplayable::Unplayable,
    walk::Tally,
};

/// How many frames in a row another stream needs inside a file that was locked already.
pub(super) const NEW_STREAM_RUN: usize = 4;
/// How many frames in a row lock on a stream.
pub(super) const LOCK_RUN: usize = 2;
/// The most bytes that any decision looks at.
pub(super) const LOOKAHEAD: usize = 16 * 1024;
/// Bytes behind a place that tell whether frames begin there.
const REACH: usize = NEW_STREAM_RUN * Header::MAX_FRAME_LEN + 256;
/// Bytes of a header and of what [`Scanner::hop`] looks at behind it.
const PEEK: usize = 8;

/// What the window begins with; the scanner has moved behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A frame, whole: the first [`frame_len`](Header::frame_len) bytes of the window.
    Frame(Header),
    /// A Xing, Info or VBRI frame, whole, to be withheld.
    Info(Header),
    /// A tag of this many bytes, which may be more than the window holds.
    Tag(TagKind, u64),
    /// Zeros that belong to the tag before them.
    Padding(u64),
    /// This many bytes that are nothing.
    Junk(u64),
    /// A frame whose end is missing: all that is left of the audio.
    Truncated(u64),
    /// The window is too short to tell; it must hold at least this many bytes from
    /// [`Scanner::at`] on. Nothing was passed.
    More(usize),
    /// The end of the audio. It comes again for ever.
    End,
    /// The file cannot be streamed from here on. It comes again for ever.
    GiveUp(Unplayable),
}

/// The scanner over the audio of one file, between its tags.
#[derive(Debug)]
pub struct Scanner {
    at: u64,
    end: u64,
    lock: Option<Lock>,
    /// `at` is where the next frame of the run begins, if the run goes on.
    in_run: bool,
    /// The next frame is the first since the lock was found.
    fresh: bool,
    /// Zeros here are padding of a tag.
    behind_tag: bool,
    junk_from: Option<u64>,
    frames: u64,
    suspect: Option<Unplayable>,
    given_up: Option<Unplayable>,
}

impl Scanner {
    /// Begins at byte `start` of a file whose audio ends before byte `end`.
    #[must_use]
    pub fn new(start: u64, end: u64) -> Self {
        Self {
            at: start,
            end: end.max(start),
            lock: None,
            in_run: false,
            fresh: false,
            behind_tag: start > 0,
            junk_from: None,
            frames: 0,
            suspect: None,
            given_up: None,
        }
    }

    /// Where the next window must begin, in bytes from the file's start.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Bytes from here to the end of the audio.
    #[must_use]
    pub fn rest(&self) -> u64 {
        self.end - self.at
    }

    /// The file holds only `rest` more bytes, less than it said when it was opened.
    pub fn ends_early(&mut self, rest: u64) {
        self.end = self.end.min(self.at.saturating_add(rest));
    }

    /// Says what `window` begins with, which are the file's bytes from [`at`](Self::at) on; bytes
    /// behind the end of the audio are ignored. The answer does not depend on how much more than
    /// needed the window holds.
    #[inline]
    pub fn step(&mut self, window: &[u8]) -> Step {
        if self.in_run
            && !self.fresh
            && let Some(header) = self.plain_frame(window)
        {
            self.at += header.frame_len() as u64;
            self.frames += 1;
            return Step::Frame(header);
        }
        self.slow_step(window)
    }

    /// Passes over as many plain frames as the window holds and counts them: the bytes passed.
    ///
    /// What [`step`](Self::step) would have said of each is [`Step::Frame`]; 0 means: ask it.
    pub(super) fn hop(&mut self, window: &[u8], tally: &mut Tally) -> usize {
        let Some(lock) = self.lock.as_ref().filter(|_| self.in_run && !self.fresh) else {
            return 0;
        };
        let window = clip(window, self.end - self.at);
        let (mut passed, mut frames) = (0, 0);
        let mut word = word_at(window, 0);
        let mut len = word.map_or(0, |word| lock.frame_len(high(word)));
        while let Some(current) = word.filter(|&word| len > 0 && word & 0xFFFF != 0) {
            let next = word_at(window, passed + len);
            let next_len = next.map_or(0, |word| lock.frame_len(high(word)));
            if next_len == 0 {
                break;
            }
            tally.count(high(current));
            passed += len;
            frames += 1;
            (word, len) = (next, next_len);
        }
        self.at += passed as u64;
        self.frames += frames;
        passed
    }

    /// The frame at the window's start, where a next one follows it and where it is surely audio.
    #[inline]
    fn plain_frame(&self, window: &[u8]) -> Option<Header> {
        let lock = self.lock.as_ref()?;
        let word = word_at(window, 0).filter(|word| word & 0xFFFF != 0)?;
        let len = lock.frame_len(high(word));
        let next = bits_at(window, len)?;
        let inside = (len + Header::LEN) as u64 <= self.end - self.at;
        if len == 0 || !inside || lock.frame_len(next) == 0 {
            return None;
        }
        Header::parse(high(word).to_be_bytes()).ok()
    }

    fn slow_step(&mut self, window: &[u8]) -> Step {
        if let Some(reason) = &self.given_up {
            return Step::GiveUp(reason.clone());
        }
        let rest = self.end - self.at;
        if rest == 0 {
            return if self.frames > 0 { Step::End } else { self.give_up() };
        }
        let wanted = clip_len(LOOKAHEAD, rest);
        let Some(view) = window.get(..wanted) else {
            return self.early_step(window, rest).unwrap_or(Step::More(wanted));
        };
        if self.in_run {
            if let Some(step) = self.next_of_run(view, rest) {
                return step;
            }
            self.in_run = false;
        }
        self.search(view, rest)
    }

    /// What a short window is enough for: a frame that the next one of its stream follows. A live
    /// stream is not held back where nothing behind could change the answer.
    fn early_step(&mut self, window: &[u8], rest: u64) -> Option<Step> {
        let header = Header::parse(*window.first_chunk()?).ok()?;
        let lock = self.lock.clone().unwrap_or_else(|| Lock::on(header));
        let len = lock.frame_len(bits_of(header));
        if len == 0 || lock.frame_len(bits_at(window, len)?) == 0 {
            return None;
        }
        self.fresh |= !self.in_run;
        (self.lock, self.in_run) = (Some(lock), true);
        self.next_of_run(window, rest)
    }

    /// The next frame of the run, or nothing where the run is over.
    fn next_of_run(&mut self, view: &[u8], rest: u64) -> Option<Step> {
        let lock = self.lock.as_ref()?;
        let bits = bits_at(view, 0)?;
        let len = lock.frame_len(bits);
        let header = Header::parse(bits.to_be_bytes()).ok().filter(|_| len > 0)?;
        let follows = bits_at(view, len).is_some_and(|next| lock.frame_len(next) > 0)
            || ends_at(view, len, rest)
            || search::new_stream_at(view, len, rest, Some(lock)).is_some();
        if !follows && let Some(cut) = search::inside(view, len, rest, lock) {
            return Some(self.junk(cut));
        }
        let Some(frame) = view.get(..len) else {
            self.at = self.end;
            return Some(Step::Truncated(rest));
        };
        let info = if self.fresh {
            InfoFrame::marks(header, frame)
        } else {
            InfoFrame::marks_silent(header, frame)
        };
        self.at += len as u64;
        self.fresh = false;
        self.junk_from = None;
        self.behind_tag = false;
        if info {
            return Some(Step::Info(header));
        }
        self.frames += 1;
        Some(Step::Frame(header))
    }

    /// Looks for a tag or for frames in a row; what is passed until then is junk.
    fn search(&mut self, view: &[u8], rest: u64) -> Step {
        if let Some((kind, len)) = tag_behind(view, 0, rest) {
            self.at += len;
            self.behind_tag = true;
            self.no_junk(len);
            return Step::Tag(kind, len);
        }
        if self.behind_tag {
            let zeros = view.iter().take_while(|&&byte| byte == 0).count();
            if zeros > 0 {
                self.at += zeros as u64;
                self.no_junk(zeros as u64);
                return Step::Padding(zeros as u64);
            }
            self.behind_tag = false;
        }
        let all = view.len() as u64 == rest;
        let limit = if all { view.len() } else { view.len().saturating_sub(REACH) };
        let found = search::next(view, limit, rest, self.lock.as_ref());
        if self.frames == 0 && self.suspect.is_none() {
            self.suspect = found.suspect;
        }
        if let Some(header) = found.header {
            if self.lock.as_ref().is_none_or(|lock| lock.frame_len(bits_of(header)) == 0) {
                self.lock = Some(Lock::on(header));
            }
            self.in_run = true;
            self.fresh = true;
        }
        match found.at {
            0 => self.next_of_run(view, rest).unwrap_or_else(|| self.junk(1)),
            junk => self.junk(junk),
        }
    }

    /// A tag ends a run of junk. Before the first frame it only does not count, so that a file of
    /// many tags and no audio is given up as soon as any other.
    fn no_junk(&mut self, len: u64) {
        self.junk_from = self.junk_from.filter(|_| self.lock.is_none()).map(|from| from + len);
    }

    fn junk(&mut self, len: usize) -> Step {
        let from = *self.junk_from.get_or_insert(self.at);
        self.at += len as u64;
        if self.at - from > MAX_JUNK {
            return self.give_up();
        }
        Step::Junk(len as u64)
    }

    fn give_up(&mut self) -> Step {
        let reason = match (self.frames, self.junk_from) {
            (0, _) | (_, None) => self.suspect.clone().unwrap_or(Unplayable::NoFrames),
            (_, Some(at)) => Unplayable::TooMuchJunk { at },
        };
        self.given_up = Some(reason.clone());
        Step::GiveUp(reason)
    }
}

fn bits_of(header: Header) -> u32 {
    u32::from_be_bytes(header.to_bytes())
}

fn clip_len(len: usize, rest: u64) -> usize {
    usize::try_from(rest).map_or(len, |rest| len.min(rest))
}

fn clip(window: &[u8], rest: u64) -> &[u8] {
    window.get(..clip_len(window.len(), rest)).unwrap_or(window)
}

/// Header and four bytes behind it; the lower two are zero in every frame without sound.
#[inline]
fn word_at(window: &[u8], at: usize) -> Option<u64> {
    window.get(at..)?.first_chunk::<PEEK>().map(|eight| u64::from_be_bytes(*eight))
}

#[inline]
fn high(word: u64) -> u32 {
    (word >> 32) as u32
}
