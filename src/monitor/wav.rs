//! The file: PCM kept as WAV, whose header is right whenever the program ends.
//!
//! ```text
//!    0  RIFF size WAVE           RF64 0xFFFFFFFF WAVE      past 4 GiB
//!   12  JUNK 28 (28 zeros)       ds64 28 riff data frames 0
//!   48  fmt  16 1 2 44100 176400 4 16
//!   72  data size                data 0xFFFFFFFF
//!   80  PCM
//! ```
//!
//! RIFF counts in 32 bits. Room for the 64-bit counts of RF64 (EBU Tech 3306) stands in the header from
//! the beginning as a chunk that readers pass over, so that a file becomes one without being moved.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use super::{
    Fault, Pace, Sink,
    pcm::{FRAME_BYTES, Frame, RATE, put_bytes},
};

/// Bytes before the PCM.
const HEADER_LEN: usize = 80;
const HEADER: u64 = HEADER_LEN as u64;
/// The header is made anew after so many bytes: about every second, which is what a crash costs of it.
const HEADER_EVERY: u64 = RATE as u64 * FRAME_BYTES as u64;
/// RIFF counts all bytes behind its first eight.
const BEFORE_RIFF: u64 = 8;

/// A WAV file that grows.
#[derive(Debug)]
pub(super) struct Wav {
    file: File,
    name: String,
    /// Bytes of PCM that are written.
    written: u64,
    /// Bytes of PCM that the header tells of.
    told: u64,
    bytes: Vec<u8>,
}

impl Wav {
    /// Opens `path`. A recording of ours that is there goes on at its end, to the last whole frame of
    /// it; another file is left alone.
    ///
    /// # Errors
    /// [`Fault::Unusable`] where there is another file, [`Fault::Unavailable`] where the system refuses.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let name = path.display().to_string();
        let unavailable = |error: io::Error| Fault::unavailable(&name, &error);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unavailable)?;
        let len = file.metadata().map_err(unavailable)?.len();
        let written = if len == 0 {
            0
        } else if is_ours(&mut file).map_err(unavailable)? {
            let pcm = len.saturating_sub(HEADER);
            pcm - pcm % FRAME_BYTES as u64
        } else {
            let reason = "a file is there that is no recording of this program. Move it away or choose another name";
            return Err(Fault::Unusable { what: name, reason: reason.to_owned() });
        };
        let mut wav = Self { file, name: name.clone(), written, told: 0, bytes: Vec::new() };
        wav.begin().map_err(unavailable)?;
        Ok(wav)
    }

    fn begin(&mut self) -> io::Result<()> {
        // The header first: a disk that is full, or a kill, leaves nothing that is taken for another's.
        self.tell()?;
        self.file.set_len(HEADER + self.written)
    }

    /// Makes the header tell of all that is written, and goes back to the end.
    fn tell(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(&header(self.written))?;
        self.told = self.written;
        self.file.seek(SeekFrom::Start(HEADER + self.written))?;
        Ok(())
    }

    fn append(&mut self) -> io::Result<()> {
        self.file.write_all(&self.bytes)?;
        self.written += self.bytes.len() as u64;
        if self.written - self.told >= HEADER_EVERY { self.tell() } else { Ok(()) }
    }

    fn lost(&self, error: &io::Error) -> Fault {
        Fault::lost(&self.name, error)
    }
}

impl Sink for Wav {
    fn pace(&self) -> Pace {
        Pace::Free
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault> {
        self.bytes.clear();
        put_bytes(frames, &mut self.bytes);
        self.append().map_err(|error| self.lost(&error))
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.tell().and_then(|()| self.file.sync_data()).map_err(|error| self.lost(&error))
    }
}

impl Drop for Wav {
    /// However it ends, the header tells of all that is there.
    fn drop(&mut self) {
        if self.told != self.written {
            // Where that fails it is a second behind, as after a crash.
            let _ = self.tell();
        }
    }
}

/// Whether the file begins as ours do.
fn is_ours(file: &mut File) -> io::Result<bool> {
    let mut bytes = [0; HEADER_LEN];
    match file.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    }
    let ours = header(0);
    let same = |range: std::ops::Range<usize>| bytes.get(range.clone()) == ours.get(range);
    let kind = bytes.first_chunk::<4>();
    let reserved = bytes.get(12..16);
    let is_known = kind == Some(b"RIFF") && reserved == Some(b"JUNK")
        || kind == Some(b"RF64") && reserved == Some(b"ds64");
    Ok(is_known && same(8..12) && same(16..20) && same(48..76))
}

/// The header of a file with so many bytes of PCM.
fn header(pcm: u64) -> Vec<u8> {
    let riff = HEADER - BEFORE_RIFF + pcm;
    let short = u32::try_from(riff).ok().zip(u32::try_from(pcm).ok());
    let (riff_size, data_size) = short.unwrap_or((u32::MAX, u32::MAX));
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| bytes.extend_from_slice(part);
    put(if short.is_some() { b"RIFF" } else { b"RF64" });
    put(&riff_size.to_le_bytes());
    put(b"WAVE");
    put(if short.is_some() { b"JUNK" } else { b"ds64" });
    put(&28_u32.to_le_bytes());
    if short.is_some() {
        put(&[0; 28]);
    } else {
        put(&riff.to_le_bytes());
        put(&pcm.to_le_bytes());
        put(&(pcm / FRAME_BYTES as u64).to_le_bytes());
        // No other chunk has a size of 64 bits.
        put(&[0; 4]);
    }
    put(b"fmt ");
    put(&16_u32.to_le_bytes());
    // PCM in two channels, of four bytes a moment together.
    put(&1_u16.to_le_bytes());
    put(&2_u16.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * 4).to_le_bytes());
    put(&4_u16.to_le_bytes());
    put(&16_u16.to_le_bytes());
    put(b"data");
    put(&data_size.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pcm(frames: std::ops::Range<i16>) -> Vec<Frame> {
        frames.map(|n| [n, -n]).collect()
    }

    fn bytes(frames: &[Frame]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_bytes(frames, &mut bytes);
        bytes
    }

    /// What a reader takes for the PCM: as many bytes as the header tells of.
    fn read(path: &Path) -> Vec<u8> {
        let file = fs::read(path).unwrap();
        let size = u32::from_le_bytes(*file[76..].first_chunk().unwrap()) as usize;
        let riff = u32::from_le_bytes(*file[4..].first_chunk().unwrap()) as usize;
        assert_eq!(riff, size + 72);
        assert!(file.starts_with(b"RIFF"));
        file[80..80 + size].to_vec()
    }

    #[test]
    fn a_file_that_was_ended_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("radio.wav");
        let mut wav = Wav::open(&path).unwrap();
        assert_eq!(wav.pace(), Pace::Free);
        for part in [0..100, 100..1000] {
            wav.write(&pcm(part)).unwrap();
        }
        wav.finish().unwrap();
        assert_eq!(read(&path), bytes(&pcm(0..1000)));
    }

    #[test]
    fn after_a_crash_the_header_is_right_and_a_second_behind_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("radio.wav");
        let mut wav = Wav::open(&path).unwrap();
        assert!(read(&path).is_empty());
        let mut all = Vec::new();
        for _ in 0..250 {
            wav.write(&pcm(0..4000)).unwrap();
            all.extend(bytes(&pcm(0..4000)));
            let told = read(&path);
            assert!(all.starts_with(&told));
            assert!((all.len() - told.len()) as u64 <= HEADER_EVERY + 16_000);
        }
        // As if the program had been killed here, in the middle of a frame.
        std::mem::forget(wav);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&[1, 2, 3]).unwrap();
        let mut wav = Wav::open(&path).unwrap();
        assert_eq!(read(&path), all, "what the header did not tell of is found again");
        wav.write(&pcm(0..9)).unwrap();
        wav.finish().unwrap();
        assert_eq!(read(&path), [all, bytes(&pcm(0..9))].concat());
    }

    #[test]
    fn a_file_of_somebody_else_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("song.wav");
        let mut other = header(4);
        other[48..52].copy_from_slice(b"fmX ");
        for text in [&b"something"[..], &[7; 200], &other] {
            fs::write(&path, text).unwrap();
            let fault = Wav::open(&path).unwrap_err();
            assert!(matches!(&fault, Fault::Unusable { .. }), "{fault}");
            assert_eq!(fs::read(&path).unwrap(), text);
        }
        let nowhere = folder.path().join("no/where.wav");
        assert!(matches!(Wav::open(&nowhere), Err(Fault::Unavailable { .. })));
    }

    #[test]
    fn past_four_gibibytes_it_is_rf64_and_goes_on() {
        // The last size that 32 bits can tell, and the next one.
        let most = u64::from(u32::MAX) - 72;
        assert!(header(most - most % 4).starts_with(b"RIFF"));
        let long = header(most + 4 - most % 4);
        assert!(long.starts_with(b"RF64\xFF\xFF\xFF\xFFWAVEds64"));
        assert_eq!(long.len() as u64, HEADER);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wav");
        let wav = Wav::open(&path).unwrap();
        // A hole takes no room on the disk.
        let nearly = (1 << 32) - 400;
        wav.file.set_len(HEADER + nearly).unwrap();
        drop(wav);
        let mut wav = Wav::open(&path).unwrap();
        assert_eq!(wav.written, nearly);
        for _ in 0..2 {
            wav.write(&pcm(0..1000)).unwrap();
            wav.finish().unwrap();
            let mut head = [0; HEADER_LEN];
            wav.file.rewind().unwrap();
            wav.file.read_exact(&mut head).unwrap();
            assert_eq!(head[..], header(wav.written));
            assert_eq!(u64::from_le_bytes(*head[28..].first_chunk().unwrap()), wav.written);
            drop(wav);
            wav = Wav::open(&path).unwrap();
        }
        assert_eq!(wav.written, nearly + 8000);
    }
}
